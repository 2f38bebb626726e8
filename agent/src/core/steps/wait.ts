import type { StepOf } from '../plan.ts';
import type { StepContext } from './context.ts';

/** Longest delay that a timer takes is 2^31 − 1 ms; the planner looks again long before. */
const LONGEST_SLEEP_MS = 3_600_000;

export async function wait(
  { clock }: StepContext,
  { untilMs }: StepOf<'wait'>,
  signal: AbortSignal,
): Promise<void> {
  await clock.sleep(Math.min(untilMs - clock.now(), LONGEST_SLEEP_MS), signal);
}
