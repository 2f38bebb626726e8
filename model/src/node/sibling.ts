/**
 * URL of the module `name` beside the calling one: TypeScript in the repository, JavaScript where
 * both were bundled.
 */
export function siblingModule(name: string, from: string): URL {
  return new URL(`./${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from);
}
