import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
// not the index of the core: the launcher holds nothing of what it launches
import { type Place, RELEASE_FOLDER } from '../../core/self-update/launch-state.ts';

/** What every package of an agent is started by. */
const STARTER = 'flotilla-agent';

export const folderOf = (data: string, place: Exclude<Place, 'installed'>): string =>
  join(data, RELEASE_FOLDER, place);

/**
 * The words that start the agent in a place of a data folder, before those of its command.
 * `installed` is the agent that this module is part of: a package, or its source.
 */
export function programOf(data: string, place: Place): readonly [string, ...string[]] {
  if (place !== 'installed') return [join(folderOf(data, place), STARTER)];
  const main = fileURLToPath(new URL('../main.ts', import.meta.url));
  const starter = join(dirname(main), '..', STARTER);
  return existsSync(starter) ? [starter] : [process.execPath, main];
}
