import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeFileDurably } from '@flotilla/protocol/node';
import {
  encodeLaunchState,
  INSTALLED,
  LAUNCH_FILE,
  type LaunchState,
  readLaunchState,
} from '../../core/self-update/launch-state.ts';

/** What is to be started; a file that is damaged or of a later format is said, and is as none. */
export async function readState(data: string, warn: (text: string) => void): Promise<LaunchState> {
  const file = join(data, LAUNCH_FILE);
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
  const state = readLaunchState(bytes);
  if (state === undefined) warn(`${file} cannot be read: the installed agent is started`);
  return state ?? INSTALLED;
}

export async function writeState(data: string, state: LaunchState): Promise<void> {
  const file = join(data, LAUNCH_FILE);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFileDurably(file, encodeLaunchState(state), { mode: 0o600 });
}
