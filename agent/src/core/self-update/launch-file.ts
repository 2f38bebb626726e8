import { AGENT_SLOT } from '@flotilla/protocol';
import { replaceFile } from '../durable.ts';
import type { Journal } from '../journal.ts';
import type { Storage } from '../ports.ts';
import type { WantedDeployment } from '../state.ts';
import {
  encodeLaunchState,
  INSTALLED,
  LAUNCH_FILE,
  type LaunchState,
  RELEASE_FOLDER,
  readLaunchState,
} from './launch-state.ts';

export const trialOf = ({ id, attempt }: Pick<WantedDeployment, 'id' | 'attempt'>): string =>
  `${id} ${attempt}`;

/** A damaged file is as good as none: the launcher starts the installed agent then. */
export async function loadLaunch(storage: Storage): Promise<LaunchState> {
  return readLaunchState(await storage.read(LAUNCH_FILE)) ?? INSTALLED;
}

export async function storeLaunch(storage: Storage, state: LaunchState): Promise<void> {
  await storage.makeFolder(RELEASE_FOLDER);
  await replaceFile(storage, LAUNCH_FILE, encodeLaunchState(state));
}

/**
 * Takes over what the launcher noted when it went back to this agent: the attempt at the other one
 * failed after its activation, whether or not that one came to journal it.
 */
export async function takeInFailure(journal: Journal, storage: Storage): Promise<void> {
  const { failed } = await loadLaunch(storage);
  const running = journal.state.attempts.findIndex(
    ({ deployment, ending, fault }) =>
      deployment.slot === AGENT_SLOT &&
      ending === undefined &&
      fault === undefined &&
      trialOf(deployment) === failed?.id,
  );
  if (failed === undefined || running < 0) return;
  const { code, detail } = failed;
  await journal.update((draft) => {
    const attempt = draft.attempts[running];
    if (attempt === undefined) return;
    if (attempt.stage !== 'watched') attempt.stage = 'activated';
    attempt.fault = { code, detail, step: 'watch' };
  });
}
