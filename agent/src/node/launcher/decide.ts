import { FlotillaError } from '@flotilla/protocol';
import {
  countStart,
  EXIT_RELAUNCH,
  failTrial,
  type LaunchState,
  MAX_UNCLEAN_STARTS,
  type Trial,
} from '../../core/self-update/launch-state.ts';

/** How a started agent came to its end. */
export interface Ending {
  /** What ended it: itself, the launcher because it was asked to end, or because time was over. */
  readonly by: 'itself' | 'stop' | 'not-up' | 'overdue';
  /** As a shell counts it: 128 and the number of the signal where one ended it. */
  readonly code: number;
}

export interface Decision {
  readonly state: LaunchState;
  /** Start an agent at once, or after a pause, or end with that exit code. */
  readonly next: 'start' | 'pause' | { readonly exit: number };
}

/** Before a start: a trial that took the device down too often has failed; else the start counts. */
export function beforeStart(state: LaunchState): LaunchState {
  const { trial } = state;
  if (trial === undefined) return state;
  return trial.starts >= MAX_UNCLEAN_STARTS
    ? crashed(state, trial, 'a crash of the device')
    : countStart(state, 1);
}

/**
 * After the end of an agent. Pure.
 *
 * @param started what the file said when it was started
 * @param now what the file says now: the agent may have written it
 */
export function afterEnding(started: LaunchState, now: LaunchState, ending: Ending): Decision {
  const { trial } = now;
  const onTrial = trial !== undefined && trial.id === started.trial?.id;
  if (ending.by === 'stop') {
    return { state: onTrial ? countStart(now, -1) : now, next: { exit: ending.code } };
  }
  if (onTrial) return afterTrial(now, trial, ending);
  const changed = JSON.stringify(started) !== JSON.stringify(now);
  const asked = ending.by === 'itself' && ending.code === EXIT_RELAUNCH && changed;
  return { state: now, next: asked || ending.by !== 'itself' ? 'start' : { exit: ending.code } };
}

function afterTrial(now: LaunchState, trial: Trial, { by, code }: Ending): Decision {
  if (by === 'not-up') {
    const seconds = trial.upMs / 1000;
    return fail(now, new FlotillaError('update.not-up', { seconds }));
  }
  if (by === 'overdue') {
    const seconds = trial.commitMs / 1000;
    return fail(now, new FlotillaError('update.not-committed', { seconds }));
  }
  if (trial.starts < MAX_UNCLEAN_STARTS) return { state: now, next: 'pause' };
  return { state: crashed(now, trial, `exit code ${code}`), next: 'start' };
}

const fail = (state: LaunchState, { code, message }: FlotillaError): Decision => ({
  state: failTrial(state, { code, detail: message }),
  next: 'start',
});

function crashed(state: LaunchState, { starts }: Trial, how: string): LaunchState {
  const { code, message } = new FlotillaError('update.crashed', { starts, how });
  return failTrial(state, { code, detail: message });
}
