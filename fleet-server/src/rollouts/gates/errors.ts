import type { Prior } from './e-values.ts';
import {
  type Change,
  changesOf,
  findChange,
  over,
  shareVariance,
  smaller,
  withoutEvidence,
} from './paired.ts';
import { percent } from './text.ts';
import type { DevicePair, Gate } from './types.ts';

const PRIOR: Prior = { spread: 0.05, scale: 0.1, floor: 0.01 };

/**
 * Rise in the share of inferences that end in an error. A version that answers nothing has no
 * confidence to compare: this is the gate that stops it.
 */
export const errors: Gate = {
  title: 'Inference errors against the previous version',
  find({ pairs }, settings) {
    const changes = changesOf(pairs, changeOf);
    const tolerated = settings.maxErrorRise;
    return (
      withoutEvidence(changes, pairs, settings) ??
      findChange(
        changes,
        { tolerated, prior: PRIOR, text: `a rise of ${percent(tolerated)}` },
        ({ before, now }) =>
          `errors went from ${percent(before)} to ${percent(now)} over ${over(changes)}`,
      )
    );
  },
};

function changeOf(pair: DevicePair): Change {
  const { candidate, baseline } = pair;
  const [n, m] = [candidate.inferences, baseline.inferences];
  const [now, before] = [candidate.errors / Math.max(1, n), baseline.errors / Math.max(1, m)];
  const sampling = shareVariance(candidate.errors, n, baseline.errors, m);
  const matched = smaller(pair, ({ inferences }) => inferences);
  return { matched, observed: n, change: now - before, sampling, before, now };
}
