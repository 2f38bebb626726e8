import type { StepOf } from '../plan.ts';
import { attemptIn, installedOf, type StepContext } from './context.ts';

/**
 * Loads the model beside the one that serves, journals it as on trial, then swaps: from the journal
 * entry on, a restart comes up with the new model.
 */
export async function activate(
  { journal, serving, load }: StepContext,
  { slot, deployment }: StepOf<'activate'>,
  signal: AbortSignal,
): Promise<void> {
  const trial = installedOf(deployment);
  const model = await load(slot, trial, { signal });
  try {
    await journal.update((draft) => {
      attemptIn(draft, deployment).stage = 'activated';
      draft.slots[slot] = { ...draft.slots[slot], trial, trialStarts: 0 };
    });
  } catch (error) {
    await model.dispose();
    throw error;
  }
  serving.swap(slot, model);
}
