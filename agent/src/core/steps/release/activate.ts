import type { StepOf } from '../../plan.ts';
import { loadLaunch, storeLaunch, takeInFailure, trialOf } from '../../self-update/launch-file.ts';
import { beginTrial, freePlace, type Place } from '../../self-update/launch-state.ts';
import { findAttempt } from '../../state.ts';
import { attemptIn, installedOf, type StepContext } from '../context.ts';
import { needLauncher, runsAlready } from './release.ts';

/** A process that was asked to end is gone long before. */
const END_MS = 60_000;

/**
 * The agent before names the new one to the launcher and ends. What the launcher then starts is the
 * new agent, and that journals that it is on trial: so the file decides, and a power cut between
 * the two leaves nothing to be mended.
 */
export async function activateRelease(
  context: StepContext,
  { slot, deployment }: StepOf<'activate'>,
  signal: AbortSignal,
): Promise<void> {
  const { journal, storage, updater } = context;
  const id = trialOf(deployment);
  if (updater.trial !== id && !(await runsAlready(context, deployment))) {
    needLauncher(context);
    // where the start found no room to note that it has failed, it is noted now and not tried again
    await takeInFailure(journal, storage);
    if (findAttempt(journal.state, deployment)?.fault !== undefined) return;
    const place = freePlace(updater.place, await loadLaunch(storage));
    return startTrial(context, { id, place }, deployment.watchMs, signal);
  }
  await journal.update((draft) => {
    attemptIn(draft, deployment).stage = 'activated';
    draft.slots[slot] = { ...draft.slots[slot], trial: installedOf(deployment), trialStarts: 0 };
  });
}

/** Ends this agent in favor of the one that lies in that place. */
export async function startTrial(
  context: StepContext,
  trial: { readonly id: string; readonly place: Place },
  watchMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { storage, serving, settings } = context;
  const { upMs, contactMs } = settings.update;
  const state = await loadLaunch(storage);
  const times = { upMs, commitMs: upMs + contactMs + watchMs };
  await storeLaunch(
    storage,
    beginTrial(state, { ...trial, ...times, starts: 0, serving: serving.slots }),
  );
  await endForRelaunch(context, signal);
}

export async function endForRelaunch(
  { updater, clock }: Pick<StepContext, 'updater' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  updater.relaunch();
  await clock.sleep(END_MS, signal);
}
