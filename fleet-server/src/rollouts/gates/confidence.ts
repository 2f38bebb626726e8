import { matchPairs, over, withoutEvidence } from './matched.ts';
import { normalTail, spentAlpha, writeP } from './statistics.ts';
import type { Gate, Side } from './types.ts';

/**
 * Fall of the mean top-1 probability against the previous version on the same devices: one-sided
 * z-test of the weighted mean of the devices' differences (Welch's variance for each), closed only
 * where the fall is also as large as the limit.
 */
export const confidence: Gate = {
  title: 'Confidence against the previous version',
  judge({ pairs }, settings) {
    const matched = matchPairs(pairs, (side) => side.confidence.count);
    const missing = withoutEvidence(matched, pairs, settings);
    if (missing !== undefined) return missing;
    let [now, before, variance] = [0, 0, 0];
    for (const { candidate, baseline, matched: weight } of matched.pairs) {
      const share = weight / matched.total;
      now += share * candidate.confidence.mean;
      before += share * baseline.confidence.mean;
      variance += share ** 2 * (meanVariance(candidate) + meanVariance(baseline));
    }
    const drop = before - now;
    const z = drop / Math.sqrt(Math.max(variance, 1e-12));
    const p = normalTail(z);
    const level = spentAlpha(settings.alpha, matched.total, settings.minInferences);
    const limit = settings.maxConfidenceDrop;
    const closed = drop >= limit && p < level;
    const moved = drop > 0 ? 'fell' : 'went';
    const sentence = `confidence ${moved} from ${before.toFixed(2)} to ${now.toFixed(2)} over ${over(matched)} (${writeP(p)}, limit ${limit}): ${closed ? 'closed' : 'open'}`;
    const numbers = { before, now, drop, z, p, level, limit, inferences: matched.inferences };
    return { state: closed ? 'closed' : 'open', sentence, numbers };
  },
};

/** Variance of the mean: sample variance over count; a single observation says nothing of spread. */
function meanVariance({ confidence: { count, m2 } }: Side): number {
  return count > 1 ? m2 / (count - 1) / count : 0.25;
}
