import { cpus } from 'node:os';
import type { Session, Tensors } from '@flotilla/model';
import type { Precision } from '@flotilla/protocol';

/** Where a latency was measured. */
export interface MeasuredOn {
  readonly cpu: string;
  readonly provider: string;
  readonly threads: number;
}

/** Median time of one run in milliseconds, of two models in one interleaved measurement. */
export interface LatencyPair {
  readonly fp32: number;
  readonly variant: number;
}

/** Port for what times models: tests give numbers. @see measureLatency */
export type MeasureLatency = (
  fp32: Session,
  variant: Session,
  feeds: readonly Tensors[],
  runs: number,
  precision: Precision,
) => Promise<LatencyPair>;

const WARM_UP = 3;
/** Runs of microseconds are repeated this long, until their median holds still, but not for ever. */
const STEADY_MS = 30;
const MOST_RUNS = 1000;

/**
 * Runs two models in turns, so that what else the machine does hits both alike, and takes medians.
 *
 * @param feeds inputs that the runs take one after the other
 * @param runs of each model at least; of those that take next to no time there are more
 */
export async function measureLatency(
  fp32: Session,
  variant: Session,
  feeds: readonly Tensors[],
  runs: number,
): Promise<LatencyPair> {
  const times = { fp32: [] as number[], variant: [] as number[] };
  let spent = 0;
  const goesOn = (run: number): boolean =>
    run < Math.max(1, runs) || (spent < STEADY_MS && run < MOST_RUNS);
  for (let run = -WARM_UP; goesOn(run); run++) {
    const input = feeds[Math.abs(run) % feeds.length] ?? {};
    const first = await timeRun(fp32, input);
    const second = await timeRun(variant, input);
    if (run < 0) continue;
    times.fp32.push(first);
    times.variant.push(second);
    spent += first + second;
  }
  return { fp32: medianOf(times.fp32), variant: medianOf(times.variant) };
}

/** Time of one run in milliseconds. */
export async function timeRun(session: Session, feeds: Tensors): Promise<number> {
  const start = performance.now();
  await session.run(feeds);
  return performance.now() - start;
}

function medianOf(values: readonly number[]): number {
  return quantileOf(values, 0.5);
}

/** Nearest-rank quantile; NaN of nothing. */
export function quantileOf(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function thisProcessor(): string {
  return cpus()[0]?.model.trim() || 'unknown processor';
}
