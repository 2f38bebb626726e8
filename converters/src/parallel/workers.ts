import { availableParallelism, freemem } from 'node:os';

const MOST = 4;
/** A session holds the weights about this often while it loads: file, copy, packed for the kernels. */
const COPIES = 4;
/** What a thread with the runtime takes beside its model. */
const THREAD_BYTES = 64 * 2 ** 20;

/**
 * How many sessions of a model to run side by side: as many as there are processors, up to four,
 * as long as they fit into half of the free memory.
 */
export function defaultWorkers(modelBytes: number): number {
  const fitting = Math.floor(freemem() / 2 / (COPIES * modelBytes + THREAD_BYTES));
  return Math.max(1, Math.min(availableParallelism(), MOST, fitting));
}
