import type { Prior } from './e-values.ts';
import {
  type Change,
  changesOf,
  findChange,
  over,
  shareVariance,
  withoutEvidence,
} from './paired.ts';
import { percent } from './text.ts';
import type { DevicePair, Gate } from './types.ts';

const PRIOR: Prior = { spread: 0.05, scale: 0.1, floor: 0.01 };

/** Fall of the share of right answers, among inferences whose true class became known. */
export const accuracy: Gate = {
  title: 'Accuracy on labels against the previous version',
  find({ pairs }, settings) {
    const known = pairs.filter(
      ({ candidate, baseline }) => candidate.labeled * baseline.labeled > 0,
    );
    if (known.length === 0) {
      const sentence = 'no device has labels of both versions: nothing to compare';
      return { state: 'not-applicable', sentence, numbers: {} };
    }
    const changes = changesOf(known, changeOf);
    const tolerated = settings.maxAccuracyDrop;
    return (
      withoutEvidence(changes, known, settings, 'labels of both versions on the same devices') ??
      findChange(
        changes,
        { tolerated, prior: PRIOR, text: `a fall of ${percent(tolerated)}` },
        ({ before, now }) =>
          `accuracy went from ${percent(before)} to ${percent(now)} over labels of ${over(changes)}`,
      )
    );
  },
};

function changeOf({ candidate, baseline }: DevicePair): Change {
  const [n, m] = [candidate.labeled, baseline.labeled];
  const [now, before] = [candidate.correct / n, baseline.correct / m];
  const sampling = shareVariance(candidate.correct, n, baseline.correct, m);
  const matched = Math.min(n, m);
  return { matched, observed: n, change: before - now, sampling, before, now };
}
