import { isAbsolute, resolve, sep } from 'node:path';

/** Longest name of a file in a data folder, with its folders, in characters. */
const MAX_NAME = 1024;

/**
 * The path of a file that a labels file names, or undefined when the name leaves the folder: such a
 * name comes from outside, so it may be absolute, climb with `..` or hide a NUL.
 */
export function pathInside(folder: string, name: string): string | undefined {
  if (name.length === 0 || name.length > MAX_NAME || name.includes('\0')) return undefined;
  if (isAbsolute(name) || /^[a-z]:/i.test(name)) return undefined;
  if (name.split(/[\\/]/).includes('..')) return undefined;
  const root = resolve(folder);
  const path = resolve(root, name);
  return path.startsWith(root + sep) ? path : undefined;
}

/** True when `path`, both with links resolved, lies in `folder`. */
export function isBelow(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}
