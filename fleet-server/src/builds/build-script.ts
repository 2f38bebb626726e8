/** Module that the child process of a build runs. */
export function buildScript(): URL {
  return new URL('./build-child.ts', import.meta.url);
}
