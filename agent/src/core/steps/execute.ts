import { asFlotillaError } from '@flotilla/protocol';
import type { Step, StepKind, StepOf } from '../plan.ts';
import { findAttempt } from '../state.ts';
import { activate } from './activate.ts';
import { attemptIn, type StepContext } from './context.ts';
import { download } from './download.ts';
import { collect, commit, fail, remove, restore, rollBack } from './finish.ts';
import { selfTest } from './self-test.ts';
import { verify } from './verify.ts';
import { watch } from './watch.ts';

type Executors = {
  readonly [K in StepKind]: (
    context: StepContext,
    step: StepOf<K>,
    signal: AbortSignal,
  ) => Promise<void>;
};

/** What carries out each kind of step; one that returns has journalled that it is done. */
const EXECUTORS: Executors = {
  wait: async ({ clock }, { untilMs }, signal) => {
    await clock.sleep(Math.min(untilMs - clock.now(), LONGEST_SLEEP_MS), signal);
  },
  download,
  verify,
  selfTest,
  activate,
  watch,
  commit,
  rollBack,
  fail,
  remove,
  restore,
  collect,
};

/** Longest delay that a timer takes is 2^31 − 1 ms; the planner looks again long before. */
const LONGEST_SLEEP_MS = 3_600_000;

/**
 * Carries out one step. A step that fails leaves a fault in the journal, from which the planner
 * concludes; one that is interrupted leaves nothing and is planned again if it is still wanted.
 *
 * @throws what the storage throws: without a journal nothing may go on
 */
export async function executeStep(
  context: StepContext,
  step: Step,
  signal: AbortSignal,
): Promise<void> {
  try {
    await dispatch(context, step, signal);
  } catch (error) {
    if (signal.aborted) return;
    await recordFault(context, step, error);
  }
}

function dispatch<K extends StepKind>(
  context: StepContext,
  step: StepOf<K>,
  signal: AbortSignal,
): Promise<void> {
  return EXECUTORS[step.kind](context, step, signal);
}

async function recordFault({ journal }: StepContext, step: Step, error: unknown): Promise<void> {
  if (!('deployment' in step)) throw error;
  const running = findAttempt(journal.state, step.deployment);
  // the step that ends an attempt cannot itself be ended by a fault
  if (running?.fault !== undefined || running?.ending !== undefined) throw error;
  const { code, message } = asFlotillaError(error);
  await journal.update((draft) => {
    attemptIn(draft, step.deployment).fault = { code, detail: message, step: step.kind };
  });
}
