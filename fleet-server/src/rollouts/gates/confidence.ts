import type { Prior } from './e-values.ts';
import {
  type Change,
  changesOf,
  findChange,
  meanVariance,
  over,
  smaller,
  withoutEvidence,
} from './paired.ts';
import type { DevicePair, Gate } from './types.ts';

const PRIOR: Prior = { spread: 0.05, scale: 0.1, floor: 0.01 };
/** Variance of a single probability where nothing better is known: that of a coin. */
const UNKNOWN = 0.25;

/** Fall of the mean top-1 probability against the previous version on the same devices. */
export const confidence: Gate = {
  title: 'Confidence against the previous version',
  find({ pairs }, settings) {
    const changes = changesOf(pairs, changeOf);
    const tolerated = settings.maxConfidenceDrop;
    return (
      withoutEvidence(changes, pairs, settings) ??
      findChange(
        changes,
        { tolerated, prior: PRIOR, text: `a fall of ${tolerated}` },
        ({ before, now }) =>
          `confidence ${now < before ? 'fell' : 'went'} from ${before.toFixed(2)} to ${now.toFixed(2)} over ${over(changes)}`,
      )
    );
  },
};

function changeOf(pair: DevicePair): Change {
  const { candidate, baseline, comparison } = pair;
  if (comparison !== undefined) {
    const { confidenceChange: change } = comparison;
    return {
      matched: change.count,
      observed: change.count,
      change: -change.mean,
      sampling: meanVariance(change, UNKNOWN),
      before: candidate.confidence.mean - change.mean,
      now: candidate.confidence.mean,
    };
  }
  return {
    matched: smaller(pair, ({ confidence: { count } }) => count),
    observed: candidate.confidence.count,
    change: baseline.confidence.mean - candidate.confidence.mean,
    sampling:
      meanVariance(candidate.confidence, UNKNOWN) + meanVariance(baseline.confidence, UNKNOWN),
    before: baseline.confidence.mean,
    now: candidate.confidence.mean,
  };
}
