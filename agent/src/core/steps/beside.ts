import type { StepOf } from '../plan.ts';
import { attemptIn, type StepContext } from './context.ts';
import { download } from './download.ts';
import type { Executors } from './executors.ts';
import { ending, fail } from './finish.ts';
import { selfTest } from './self-test.ts';
import { verify } from './verify.ts';
import { wait } from './wait.ts';

/** The self-test took its figures, which the report carries: the bundle may go. */
async function commit({ journal }: StepContext, { deployment }: StepOf<'commit'>): Promise<void> {
  await journal.update((draft) => {
    attemptIn(draft, deployment).ending = ending('RESULT_COMMITTED', 'commit');
  });
}

const unplanned = () => Promise.reject(new Error('nothing of the kind happens beside a model'));

/** The steps of what comes beside a slot's active model, which they leave alone. */
export const BESIDE_EXECUTORS: Executors = {
  wait,
  download,
  verify,
  selfTest,
  activate: unplanned,
  watch: unplanned,
  commit,
  rollBack: unplanned,
  fail,
  remove: unplanned,
  restore: unplanned,
  collect: unplanned,
};
