import { access, constants, mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FlotillaError } from '@flotilla/protocol';
import {
  failTrial,
  type LaunchState,
  PLACE_VARIABLE,
  type Place,
  provenOf,
  TRIAL_VARIABLE,
} from '../../core/self-update/launch-state.ts';
import { lockFolder } from '../folder-lock.ts';
import { programOf } from '../self-update/places.ts';
import { afterEnding, beforeStart } from './decide.ts';
import { runAgent } from './run-agent.ts';
import { readState, writeState } from './state-file.ts';

export interface LaunchOptions {
  /** Folder that holds all state of the device. */
  readonly data: string;
  /** Of `flotilla-agent run`. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: (text: string) => void;
  /** Aborts when the process is asked to end. */
  readonly stop: AbortSignal;
}

const PAUSE_MS = 1_000;
const LOOK_MS = 200;

/**
 * Starts the agent that `launch.json` names, for as long as one is to be started: a new one on
 * trial, the one before it where that fails. It ends with an agent that is proven, and leaves it to
 * the service manager to start both again.
 *
 * @returns the exit code
 * @throws FlotillaError `launch.in-use`
 */
export async function launch(options: LaunchOptions): Promise<number> {
  const { data, log, stop } = options;
  await mkdir(data, { recursive: true, mode: 0o700 });
  const unlock = await lockFolder(data, 'launcher');
  if (unlock === undefined) throw new FlotillaError('launch.in-use', { data });
  try {
    for (;;) {
      await untilFree(data, stop);
      const { state, place } = await choose(options);
      if (stop.aborted) return 0;
      const ending = await runAgent({
        command: [...programOf(data, place), 'run', ...options.args],
        env: environmentOf(options.env, state, place),
        ...(state.trial === undefined ? {} : { limits: state.trial }),
        stop,
      });
      const now = await readState(data, log);
      const decision = afterEnding(state, now, ending);
      if (decision.state !== now) await isStored(options, decision.state);
      const { failed } = decision.state;
      if (failed !== undefined && state.trial?.id === failed.id) {
        log(`back to the agent in ${decision.state.active}: ${failed.detail}`);
      }
      if (typeof decision.next === 'object') return decision.next.exit;
      if (decision.next === 'pause') await pause(PAUSE_MS, stop);
    }
  } finally {
    await unlock();
  }
}

interface Chosen {
  /** As the file says it once the start is counted. */
  readonly state: LaunchState;
  readonly place: Place;
}

/** The agent to start: where that of a trial is gone the proven one, and in the end the installed. */
async function choose(options: LaunchOptions): Promise<Chosen> {
  const { data, log } = options;
  const read = await readState(data, log);
  let state = beforeStart(read);
  const { trial } = state;
  const obstacle = trial && (await obstacleTo(data, trial.place));
  if (trial !== undefined && obstacle !== undefined) {
    const { code, message } = new FlotillaError('update.not-started', {
      place: trial.place,
      reason: obstacle,
    });
    state = failTrial(state, { code, detail: message });
  }
  // a start that cannot be counted could be one of many
  if (state !== read && !(await isStored(options, state))) state = provenOf(state);
  const place = state.trial?.place ?? state.active;
  const gone = await obstacleTo(data, place);
  if (gone === undefined) return { state, place };
  log(`the agent in ${place} cannot be started (${gone}): the installed one is`);
  return { state, place: 'installed' };
}

/** A full disk must not keep a device from serving. */
async function isStored({ data, log }: LaunchOptions, state: LaunchState): Promise<boolean> {
  try {
    await writeState(data, state);
    return true;
  } catch (error) {
    log(
      `what is to be started cannot be written: ${error instanceof Error ? error.message : error}`,
    );
    return false;
  }
}

async function obstacleTo(data: string, place: Place): Promise<string | undefined> {
  if (place === 'installed') return undefined;
  const [program] = programOf(data, place);
  try {
    await access(program, constants.X_OK);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function environmentOf(
  env: LaunchOptions['env'],
  { trial }: LaunchState,
  place: Place,
): LaunchOptions['env'] {
  return {
    ...env,
    [PLACE_VARIABLE]: place,
    [TRIAL_VARIABLE]: trial?.place === place ? trial.id : '',
  };
}

/** An agent whose launcher was killed is still on its way out. */
async function untilFree(data: string, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    const unlock = await lockFolder(data, 'agent');
    if (unlock !== undefined) return unlock();
    await pause(LOOK_MS, stop);
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(ms, undefined, { signal }).catch(() => undefined);
