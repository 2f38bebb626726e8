/** Module that the child process runs: TypeScript in the repository, JavaScript where it was bundled. */
export function buildScript(): URL {
  const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
  return new URL(`./build-child${extension}`, import.meta.url);
}
