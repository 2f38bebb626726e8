import { AGENT_SLOT, asFlotillaError } from '@flotilla/protocol';
import type { Step, StepKind, StepOf } from '../plan.ts';
import { isBeside } from '../purpose.ts';
import { findAttempt } from '../state.ts';
import { activate } from './activate.ts';
import { BESIDE_EXECUTORS, endShadow } from './beside.ts';
import { attemptIn, type StepContext } from './context.ts';
import { download } from './download.ts';
import type { Executors } from './executors.ts';
import { collect, commit, fail, remove, restore, rollBack } from './finish.ts';
import { RELEASE_EXECUTORS } from './release/index.ts';
import { selfTest } from './self-test.ts';
import { verify } from './verify.ts';
import { wait } from './wait.ts';
import { watch } from './watch.ts';

/** Of models. */
const EXECUTORS: Executors = {
  wait,
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
  endShadow,
  collect,
};

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
    await dispatch(executorsOf(step), context, step, signal);
  } catch (error) {
    if (signal.aborted) return;
    await recordFault(context, step, error);
  }
}

function dispatch<K extends StepKind>(
  executors: Executors,
  context: StepContext,
  step: StepOf<K>,
  signal: AbortSignal,
): Promise<void> {
  return executors[step.kind](context, step, signal);
}

function executorsOf(step: Step): Executors {
  if ('deployment' in step && isBeside(step.deployment)) return BESIDE_EXECUTORS;
  return step.slot === AGENT_SLOT ? RELEASE_EXECUTORS : EXECUTORS;
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
