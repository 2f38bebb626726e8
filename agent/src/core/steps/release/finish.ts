import { FlotillaError } from '@flotilla/protocol';
import { nextStep, type StepOf } from '../../plan.ts';
import { loadLaunch, storeLaunch, trialOf } from '../../self-update/launch-file.ts';
import { commitTrial, failTrial, freePlace, INSTALLED } from '../../self-update/launch-state.ts';
import type { Ending } from '../../state.ts';
import { attemptIn, type StepContext } from '../context.ts';
import { commit, ending, endRemoved } from '../finish.ts';
import { endForRelaunch, startTrial } from './activate.ts';
import { needLauncher } from './release.ts';

/** The launcher starts this agent from now on; only then is the attempt a success. */
export async function commitRelease(context: StepContext, step: StepOf<'commit'>): Promise<void> {
  const { storage, updater } = context;
  const before = await loadLaunch(storage);
  const isOnTrial = before.trial?.id === trialOf(step.deployment);
  const state = isOnTrial ? commitTrial(before) : before;
  if (isOnTrial) await storeLaunch(storage, state);
  await commit(context, step);
  await updater.discard(freePlace(updater.place, state));
}

/**
 * Ends an attempt that is no success. The new agent only names the one before it to the launcher
 * and ends: the agent that is back then journals how the attempt ended.
 */
export const endRelease =
  (result: Extract<Ending['result'], 'RESULT_ROLLED_BACK' | 'RESULT_FAILED'>) =>
  async (
    context: StepContext,
    { slot, deployment, fault }: StepOf<'rollBack'> | StepOf<'fail'>,
    signal: AbortSignal,
  ): Promise<void> => {
    const { storage, journal, updater } = context;
    const { code, detail, step } = fault;
    const id = trialOf(deployment);
    const state = await loadLaunch(storage);
    if (state.trial?.id === id) await storeLaunch(storage, failTrial(state, { code, detail }));
    if (updater.trial === id) return endForRelaunch(context, signal);
    await journal.update((draft) => {
      const active = draft.slots[slot]?.active;
      if (active === undefined) delete draft.slots[slot];
      else draft.slots[slot] = { active, trialStarts: 0 };
      const attempt = attemptIn(draft, deployment);
      attempt.ending = ending(result, step || nextStep(attempt), code, detail);
    });
  };

/** Goes back to the agent that was installed, which is tried like any other. */
export async function removeRelease(
  context: StepContext,
  { slot }: StepOf<'remove'>,
  signal: AbortSignal,
): Promise<void> {
  const { storage, journal, updater } = context;
  if (updater.place === 'installed') {
    await storeLaunch(storage, INSTALLED);
    await journal.update((draft) => {
      endRemoved(draft, slot);
      delete draft.slots[slot];
    });
    await updater.discard('a');
    await updater.discard('b');
    return;
  }
  needLauncher(context);
  const { active } = journal.state.slots[slot] ?? {};
  const id = `removal of ${active?.deployment} ${active?.attempt}`;
  const { failed } = await loadLaunch(storage);
  if (failed?.id === id) throw new FlotillaError('update.not-removed', { reason: failed.detail });
  await startTrial(context, { id, place: 'installed' }, 0, signal);
}
