import type { StepKind, StepOf } from '../plan.ts';
import type { StepContext } from './context.ts';

/** What carries out each kind of step; one that returns has journalled that it is done. */
export type Executors = {
  readonly [K in StepKind]: (
    context: StepContext,
    step: StepOf<K>,
    signal: AbortSignal,
  ) => Promise<void>;
};
