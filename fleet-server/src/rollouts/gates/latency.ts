import type { Prior } from './e-values.ts';
import {
  type Change,
  changesOf,
  findChange,
  meanVariance,
  smaller,
  withoutEvidence,
} from './paired.ts';
import { plural } from './text.ts';
import type { DevicePair, Gate } from './types.ts';

/**
 * Added to every run time before its logarithm is taken: below it, what else the device does counts
 * for more than the model.
 */
export const LATENCY_SLACK_MS = 2;

/** On a log scale: an equally good version may be a third faster or slower on a single device. */
const PRIOR: Prior = { spread: 0.3, scale: 0.5, floor: 0.02 };
const UNKNOWN = 0.3 ** 2;

/**
 * Rise of the run time against the previous version on the same devices, as the mean of the devices'
 * log ratios: devices that are fast and slow count alike, and what is slow anyway cancels out.
 */
export const latency: Gate = {
  title: 'Latency against the previous version',
  find({ pairs }, settings) {
    const changes = changesOf(pairs, changeOf);
    const rise = settings.maxLatencyRise;
    return (
      withoutEvidence(changes, pairs, settings) ??
      findChange(
        changes,
        { tolerated: Math.log1p(rise), prior: PRIOR, text: `at most ${(1 + rise).toFixed(2)} ×` },
        ({ before, now, devices }) => {
          const [was, is] = [milliseconds(before), milliseconds(now)];
          return `latency ${is > was ? 'rose' : 'went'} from ${write(was)} to ${write(is)}, ${Math.exp(now - before).toFixed(2)} ×, on ${plural(devices.length, 'device')}`;
        },
      )
    );
  },
};

function changeOf(pair: DevicePair): Change {
  const { candidate, baseline, comparison } = pair;
  const ratio = comparison?.logLatencyRatio;
  if (ratio !== undefined) {
    const now = candidate.logLatency.mean;
    const sampling = meanVariance(ratio, UNKNOWN);
    const { count, mean } = ratio;
    return { matched: count, observed: count, change: mean, sampling, before: now - mean, now };
  }
  return {
    matched: smaller(pair, ({ logLatency: { count } }) => count),
    observed: candidate.logLatency.count,
    change: candidate.logLatency.mean - baseline.logLatency.mean,
    sampling:
      meanVariance(candidate.logLatency, UNKNOWN) + meanVariance(baseline.logLatency, UNKNOWN),
    before: baseline.logLatency.mean,
    now: candidate.logLatency.mean,
  };
}

/** Of the logarithm of a run time with the slack added to it. */
export const milliseconds = (log: number): number => Math.max(0, Math.exp(log) - LATENCY_SLACK_MS);

const write = (ms: number): string => `${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)} ms`;
