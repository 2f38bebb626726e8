import { nextStep, type StepOf } from '../plan.ts';
import type { Ending, JournalState } from '../state.ts';
import { attemptIn, type StepContext } from './context.ts';
import { discardBundles } from './room.ts';

/** The trial becomes what the slot runs; only now is the attempt a success. */
export async function commit(
  { journal }: StepContext,
  { slot, deployment }: StepOf<'commit'>,
): Promise<void> {
  await journal.update((draft) => {
    const trial = draft.slots[slot]?.trial;
    if (trial !== undefined) draft.slots[slot] = { active: trial, trialStarts: 0 };
    attemptIn(draft, deployment).ending = ending('RESULT_COMMITTED', 'commit');
  });
}

/** The committed model serves again before the journal forgets the trial. */
export async function rollBack(
  { journal, serving, load }: StepContext,
  { slot, deployment, fault }: StepOf<'rollBack'>,
): Promise<void> {
  const active = journal.state.slots[slot]?.active;
  const serves = serving.model(slot)?.installed;
  const isBack = serves?.deployment === active?.deployment && serves?.attempt === active?.attempt;
  if (!isBack) serving.swap(slot, active && (await load(active)));
  await journal.update((draft) => {
    if (active === undefined) delete draft.slots[slot];
    else draft.slots[slot] = { active, trialStarts: 0 };
    const { code, detail, step } = fault;
    const attempt = attemptIn(draft, deployment);
    attempt.ending = ending('RESULT_ROLLED_BACK', step || nextStep(attempt.stage), code, detail);
  });
}

export async function fail(
  { journal }: StepContext,
  { deployment, fault }: StepOf<'fail'>,
): Promise<void> {
  await journal.update((draft) => {
    const { code, detail, step } = fault;
    const attempt = attemptIn(draft, deployment);
    attempt.ending = ending('RESULT_FAILED', step || nextStep(attempt.stage), code, detail);
  });
}

/** The slot ends; the deployment that it ran is reported as removed. */
export async function remove(
  { journal, serving }: StepContext,
  { slot }: StepOf<'remove'>,
): Promise<void> {
  await journal.update((draft) => {
    endRemoved(draft, slot);
    delete draft.slots[slot];
  });
  serving.swap(slot, undefined);
}

function endRemoved(draft: JournalState, slot: string): void {
  const active = draft.slots[slot]?.active;
  const attempt = draft.attempts.find(
    ({ deployment }) =>
      deployment.id === active?.deployment && deployment.attempt === active.attempt,
  );
  if (attempt === undefined) return;
  attempt.ending = ending('RESULT_REMOVED', 'remove');
  attempt.reported = false;
}

/** What was needed meanwhile stays. */
export async function collect(
  context: StepContext,
  { unneeded }: StepOf<'collect'>,
): Promise<void> {
  const needed = context.needed();
  await discardBundles(
    context,
    unneeded.filter((digest) => !needed.has(digest)),
  );
}

const ending = (result: Ending['result'], step: string, code = '', detail = ''): Ending => ({
  result,
  step,
  code,
  detail,
});
