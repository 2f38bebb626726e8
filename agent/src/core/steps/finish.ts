import { nextStep, type StepOf } from '../plan.ts';
import { commitHold, dropHolds, endHold, wantedHere } from '../side-load/holds.ts';
import {
  type Ending,
  findAttempt,
  type Installed,
  type JournalState,
  sameInstalled,
  samePair,
  type WantedDeployment,
} from '../state.ts';
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
    commitHold(draft, deployment);
    attemptIn(draft, deployment).ending = ending('RESULT_COMMITTED', 'commit');
  });
}

/**
 * The committed model serves again before the journal forgets the trial. Where it does not load any
 * more, the trial serves on until it does, or until something else is wanted, which may be sent to
 * mend that.
 */
export async function rollBack(
  context: StepContext,
  { slot, deployment, fault }: StepOf<'rollBack'>,
  signal: AbortSignal,
): Promise<void> {
  const { journal } = context;
  const active = journal.state.slots[slot]?.active;
  const isBack = await bringBack(context, slot, active, signal).then(
    () => true,
    (error) => {
      if (signal.aborted || !hasSuccessor(journal.state, deployment)) throw error;
      return false;
    },
  );
  await journal.update((draft) => {
    if (active === undefined) delete draft.slots[slot];
    else draft.slots[slot] = { active, trialStarts: 0 };
    const { code, detail, step } = fault;
    const attempt = attemptIn(draft, deployment);
    endHold(draft, deployment);
    attempt.ending = ending('RESULT_ROLLED_BACK', step || nextStep(attempt), code, detail);
  });
  // the one on trial may have come late from a start and served meanwhile
  if (isBack) await bringBack(context, slot, active, signal);
}

/** Whether something else is to come into the slot, or nothing more. */
function hasSuccessor(state: JournalState, deployment: WantedDeployment): boolean {
  const target = wantedHere(state, []).slots.find(({ name }) => name === deployment.slot);
  if (target?.mode === 'absent') return true;
  const next = target?.active;
  if (next === undefined || samePair(next, deployment)) return false;
  return findAttempt(state, next)?.ending === undefined;
}

async function bringBack(
  { serving, load }: StepContext,
  slot: string,
  active: Installed | undefined,
  signal: AbortSignal,
): Promise<void> {
  const serves = serving.model(slot)?.installed;
  const isBack =
    serves === undefined || active === undefined
      ? serves === active
      : sameInstalled(serves, active);
  if (!isBack) serving.swap(slot, active && (await load(slot, active, { signal })));
}

export async function fail(
  { journal }: StepContext,
  { deployment, fault }: StepOf<'fail'>,
): Promise<void> {
  await journal.update((draft) => {
    const { code, detail, step } = fault;
    const attempt = attemptIn(draft, deployment);
    endHold(draft, deployment);
    attempt.ending = ending('RESULT_FAILED', step || nextStep(attempt), code, detail);
  });
}

/** The slot ends; the deployment that it ran is reported as removed. */
export async function remove(
  { journal, serving }: StepContext,
  { slot }: StepOf<'remove'>,
): Promise<void> {
  await journal.update((draft) => {
    endRemoved(draft, slot);
    dropHolds(draft, slot);
    delete draft.slots[slot];
  });
  serving.swap(slot, undefined);
}

/** What the fleet had in the slot runs again; where it does not load any more, nothing does. */
export async function restore(
  context: StepContext,
  { slot, installed }: StepOf<'restore'>,
  signal: AbortSignal,
): Promise<void> {
  const model = await context.load(slot, installed, { signal }).catch(() => undefined);
  signal.throwIfAborted();
  if (model === undefined) return remove(context, { kind: 'remove', slot });
  await context.journal.update((draft) => {
    endRemoved(draft, slot);
    dropHolds(draft, slot);
    draft.slots[slot] = { active: installed, trialStarts: 0 };
  });
  context.serving.swap(slot, model);
}

export function endRemoved(draft: JournalState, slot: string): void {
  const active = draft.slots[slot]?.active;
  const attempt = draft.attempts.find(
    ({ deployment }) =>
      deployment.id === active?.deployment && deployment.attempt === active.attempt,
  );
  if (attempt === undefined) return;
  attempt.ending = ending('RESULT_REMOVED', 'remove');
  attempt.reported = attempt.deployment.local === true;
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

export const ending = (result: Ending['result'], step: string, code = '', detail = ''): Ending => ({
  result,
  step,
  code,
  detail,
});
