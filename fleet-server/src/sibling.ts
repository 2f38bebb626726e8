/**
 * URL of a module that runs in a thread or process of its own: TypeScript beside the calling module
 * in the repository, JavaScript beside the bundle where both were bundled.
 */
export function siblingModule(name: string, from: string): URL {
  return new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);
}
