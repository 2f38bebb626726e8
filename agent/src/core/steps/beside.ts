import { nextStep, type StepOf } from '../plan.ts';
import { forgiveTrials } from '../starts.ts';
import { type Fault, findAttempt, type JournalState, pairOf, sameInstalled } from '../state.ts';
import { attemptIn, installedOf, type StepContext } from './context.ts';
import { download } from './download.ts';
import type { Executors } from './executors.ts';
import { ending } from './finish.ts';
import { selfTest } from './self-test.ts';
import { verify } from './verify.ts';
import { wait } from './wait.ts';

/**
 * Loads a shadow. The journal names it before: a shadow that takes the agent down while it loads is
 * known by that.
 */
async function activate(
  { journal, shadows, loadShadow }: StepContext,
  { slot, deployment }: StepOf<'activate'>,
  signal: AbortSignal,
): Promise<void> {
  const installed = installedOf(deployment);
  await journal.update((draft) => {
    const before = draft.shadows?.[slot];
    const isSame = before !== undefined && sameInstalled(before.installed, installed);
    const starts = isSame ? before.starts : 0;
    draft.shadows = { ...draft.shadows, [slot]: { installed, starts } };
  });
  const model = await loadShadow(slot, installed, { signal });
  try {
    await journal.update((draft) => {
      attemptIn(draft, deployment).stage = 'activated';
    });
  } catch (error) {
    await model.dispose();
    throw error;
  }
  await shadows.begin(slot, model);
}

/** What was measured is reported with its figures, and its bundle may go. */
async function commit({ journal }: StepContext, { deployment }: StepOf<'commit'>): Promise<void> {
  await journal.update((draft) => {
    attemptIn(draft, deployment).ending = ending('RESULT_COMMITTED', 'commit');
  });
}

async function fail(
  { journal, shadows }: StepContext,
  { slot, deployment, fault }: StepOf<'fail'>,
): Promise<void> {
  await journal.update((draft) => {
    const { code, detail, step } = fault;
    const attempt = attemptIn(draft, deployment);
    attempt.ending = ending('RESULT_FAILED', step || nextStep(attempt), code, detail);
    dropShadow(draft, slot, fault);
  });
  shadows.end(slot);
}

/** A shadow that ran ends as removed, with the reason where it is not that the server said so. */
export async function endShadow(
  { journal, shadows }: StepContext,
  { slot, shadow, fault }: StepOf<'endShadow'>,
): Promise<void> {
  await journal.update((draft) => {
    const attempt = findAttempt(draft, pairOf(shadow));
    if (attempt !== undefined) {
      const { step = 'remove', code, detail } = fault ?? {};
      attempt.ending = ending('RESULT_REMOVED', step, code, detail);
      attempt.reported = false;
    }
    dropShadow(draft, slot, fault);
  });
  shadows.end(slot);
}

function dropShadow(draft: JournalState, slot: string, fault: Fault | undefined): void {
  delete draft.shadows?.[slot];
  // a model on trial that died with the shadow has its tries anew
  if (fault?.code === 'deployment.crash-loop') forgiveTrials(draft);
}

const unplanned = () => Promise.reject(new Error('nothing of the kind happens beside a model'));

/** The steps of what comes beside a slot's active model, which they leave alone. */
export const BESIDE_EXECUTORS: Executors = {
  wait,
  download,
  verify,
  selfTest,
  activate,
  watch: unplanned,
  commit,
  rollBack: unplanned,
  fail,
  remove: unplanned,
  restore: unplanned,
  endShadow,
  collect: unplanned,
};
