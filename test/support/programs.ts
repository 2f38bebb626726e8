import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePrograms } from '../../scripts/bundle-programs.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const SOURCES = {
  flotilla: 'cli/src/main.ts',
  'flotilla-agent': 'agent/src/node/main.ts',
} as const;
export type CommandName = keyof typeof SOURCES;

/** Names the folder of the bundles to the workers of a run of the tests. */
const FOLDER = 'FLOTILLA_TEST_PROGRAMS';

/**
 * Makes the commands as they are published, for all suites of a run: these start hundreds of
 * processes, each in a third of the time that it takes from the source.
 *
 * @param folder new
 */
export async function makePrograms(folder: string): Promise<void> {
  await mkdir(folder);
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await bundlePrograms(folder);
  process.env[FOLDER] = folder;
}

export const sourceOf = (name: CommandName): string => join(ROOT, SOURCES[name]);

/** Path of what runs a command: its bundle, or its source where none was made. */
export function mainOf(name: CommandName): string {
  const folder = process.env[FOLDER];
  return folder === undefined ? sourceOf(name) : join(folder, `${name}.js`);
}

/** Where commands find what they compiled before: bundles live no longer than the run. */
export function compileCache(): Readonly<Record<string, string>> {
  const folder = process.env[FOLDER];
  const cache = folder === undefined ? process.env.NODE_COMPILE_CACHE : join(folder, 'compiled');
  return cache === undefined ? {} : { NODE_COMPILE_CACHE: cache };
}
