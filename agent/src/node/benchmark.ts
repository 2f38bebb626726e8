import type { Session, Tensors } from '@flotilla/model';

/** How long a benchmark goes on. */
export interface BenchmarkLimits {
  /** Ends after so many runs. */
  readonly mostRuns: number;
  /** Ends after this time, but not before `fewestRuns`. */
  readonly budgetMs: number;
  readonly fewestRuns: number;
}

/** Times of single runs, milliseconds. */
export interface Benchmark {
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly runs: number;
}

/**
 * Short, because the model that serves has the same processor: 200 runs place the 95th percentile,
 * and a model that takes a second is known well enough after three.
 */
const BENCHMARK: BenchmarkLimits = { mostRuns: 200, budgetMs: 1500, fewestRuns: 3 };

/** Times single runs of a warm session on the given inputs, one after the other. */
export async function benchmark(
  session: Pick<Session, 'run'>,
  inputs: readonly Tensors[],
  limits: BenchmarkLimits = BENCHMARK,
): Promise<Benchmark> {
  const timesMs: number[] = [];
  const beganMs = performance.now();
  const isOver = () =>
    timesMs.length >= limits.mostRuns ||
    (timesMs.length >= limits.fewestRuns && performance.now() - beganMs >= limits.budgetMs);
  while (inputs.length > 0 && !isOver()) {
    const feeds = inputs[timesMs.length % inputs.length] ?? {};
    const runMs = performance.now();
    await session.run(feeds);
    timesMs.push(performance.now() - runMs);
  }
  timesMs.sort((a, b) => a - b);
  const at = (q: number) => timesMs[Math.floor(q * (timesMs.length - 1))] ?? 0;
  return { p50Ms: at(0.5), p95Ms: at(0.95), runs: timesMs.length };
}
