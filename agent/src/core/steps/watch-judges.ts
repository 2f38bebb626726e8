import { FlotillaError } from '@flotilla/protocol';
import type { Tally } from '../serving/serving.ts';

/** What was seen of a model since its activation. */
export interface Watched extends Tally {
  readonly slot: string;
  /** Median run in the self-test, milliseconds; 0 where it was not measured. */
  readonly benchmarkMs: number;
  /** For how long calls have waited without one that ended. */
  readonly stalledMs: number;
  /** Growth of the agent at the latest looks, oldest first; at most `LOOKS`. */
  readonly growthBytes: readonly number[];
  /** Memory that the model states it needs. */
  readonly statedBytes: number;
}

/** Figures from which on an activation is undone. */
export interface WatchThresholds {
  /** Times the median run of the self-test. */
  readonly latencyFactor: number;
  /** Growth beyond the memory that the model states. */
  readonly memoryBytes: number;
  /** Calls that wait so long without one that ends. */
  readonly hungMs: number;
}

/** Errors below this count prove nothing. */
const FEWEST_ERRORS = 3;
/** Share of failed inferences above which an activation is undone. */
const HIGHEST_ERROR_RATE = 0.1;

/** Runs below this count prove nothing about latency. */
const FEWEST_RUNS = 20;
/** A thread's round trip and a busy event loop may cost this much in a run of any length. */
const LATENCY_SLACK_MS = 10;

/** Looks in a row at which the memory must be too large: a spike is over before. */
export const LOOKS = 25;

/** A run may take this many times its median before it counts as hung. */
const HUNG_FACTOR = 40;

type Judge = (seen: Watched, thresholds: WatchThresholds) => FlotillaError | undefined;

/** Why an activation is undone. Each is blind to what the others see. */
const JUDGES: Readonly<Record<'errors' | 'hung' | 'latency' | 'memory', Judge>> = {
  errors({ slot, errors, inferences }) {
    const isFailing = errors >= FEWEST_ERRORS && errors / inferences > HIGHEST_ERROR_RATE;
    if (!isFailing) return undefined;
    return new FlotillaError('deployment.errors', { slot, errors, inferences });
  },
  hung({ slot, stalledMs, benchmarkMs }, { hungMs }) {
    if (stalledMs <= Math.max(hungMs, HUNG_FACTOR * benchmarkMs)) return undefined;
    return new FlotillaError('deployment.hung', { slot, seconds: Math.round(stalledMs / 1000) });
  },
  /** The fastest quarter is judged: a device that is busy for a while has some of those. */
  latency({ slot, runs, benchmarkMs }, { latencyFactor }) {
    if (benchmarkMs <= 0 || runs.count < FEWEST_RUNS) return undefined;
    const limitMs = Math.max(latencyFactor * benchmarkMs, benchmarkMs + LATENCY_SLACK_MS);
    if (runs.fastMs <= limitMs) return undefined;
    const figures = { runMs: shown(runs.fastMs), benchmarkMs: shown(benchmarkMs) };
    return new FlotillaError('deployment.slow', { slot, runs: runs.count, ...figures });
  },
  memory({ slot, growthBytes, statedBytes }, { memoryBytes }) {
    if (growthBytes.length < LOOKS) return undefined;
    const least = Math.min(...growthBytes);
    if (least <= statedBytes + memoryBytes) return undefined;
    return new FlotillaError('deployment.memory', { slot, grown: least, stated: statedBytes });
  },
};

/** The first reason to undo an activation; undefined where there is none. Pure. */
export function judgeWatched(
  seen: Watched,
  thresholds: WatchThresholds,
): FlotillaError | undefined {
  for (const judge of Object.values(JUDGES)) {
    const fault = judge(seen, thresholds);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

const shown = (ms: number): number => Number(ms.toPrecision(3));
