/** Counts and sums of what one loaded model did, for statistics and metrics on the device. */
export interface ModelLoad {
  /** Requests that wait or run now. */
  readonly pending: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Turned away because too many waited. */
  readonly dropped: number;
  /** Samples of the requests that succeeded. */
  readonly samples: number;
  /** Wall-clock ms; 0 before the first. */
  readonly lastMs: number;
  /** Sums over the requests that succeeded, milliseconds. */
  readonly sumMs: Readonly<Record<Phase | 'total' | 'failed', number>>;
  /** Runs by the samples in each, and how long they took, milliseconds. */
  readonly runs: ReadonlyMap<number, { readonly count: number; readonly sumMs: number }>;
  /** Requests by latency: at most so many of `LATENCY_BOUNDS_MS`, and the last for all longer. */
  readonly latency: readonly number[];
}

/** What a request goes through. */
export type Phase = 'input' | 'queue' | 'run' | 'output';

export const LATENCY_BOUNDS_MS: readonly number[] = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000,
];

export interface Meter {
  readonly load: ModelLoad;
  began(): void;
  dropped(): void;
  ran(samples: number, tookMs: number): void;
  succeeded(phases: Readonly<Record<Phase, number>>, samples: number, nowMs: number): void;
  /** @param isFault false where the input is to blame, which is not counted */
  failed(isFault: boolean, tookMs: number): void;
}

export function createMeter(): Meter {
  const runs = new Map<number, { count: number; sumMs: number }>();
  const sumMs = { input: 0, queue: 0, run: 0, output: 0, total: 0, failed: 0 };
  const latency = new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);
  const load = { pending: 0, succeeded: 0, failed: 0, dropped: 0, samples: 0, lastMs: 0 };
  return {
    get load() {
      return { ...load, sumMs, runs, latency };
    },
    began() {
      load.pending++;
    },
    dropped() {
      load.dropped++;
    },
    ran(samples, tookMs) {
      const row = runs.get(samples) ?? { count: 0, sumMs: 0 };
      runs.set(samples, { count: row.count + 1, sumMs: row.sumMs + tookMs });
    },
    succeeded({ input, queue, run, output }, samples, nowMs) {
      const total = input + queue + run + output;
      load.pending--;
      load.succeeded++;
      load.samples += samples;
      load.lastMs = nowMs;
      sumMs.input += input;
      sumMs.queue += queue;
      sumMs.run += run;
      sumMs.output += output;
      sumMs.total += total;
      const at = LATENCY_BOUNDS_MS.findIndex((bound) => total <= bound);
      latency[at === -1 ? LATENCY_BOUNDS_MS.length : at]!++;
    },
    failed(isFault, tookMs) {
      load.pending--;
      if (!isFault) return;
      load.failed++;
      sumMs.failed += tookMs;
    },
  };
}
