import { matchPairs, over, withoutEvidence } from './matched.ts';
import { normalTail, spentAlpha, writeP } from './statistics.ts';
import type { Gate, Side } from './types.ts';

/** Failed ones among them. */
const attempts = ({ inferences }: Side): number => inferences;

/**
 * Rise in the share of inferences that end in an error. A version that answers nothing has no
 * confidence to compare: this is the gate that stops it. One-sided z-test with the pooled variance.
 */
export const errors: Gate = {
  title: 'Inference errors against the previous version',
  judge({ pairs }, settings) {
    const matched = matchPairs(pairs, attempts);
    const missing = withoutEvidence(matched, pairs, settings);
    if (missing !== undefined) return missing;
    let [now, before, variance] = [0, 0, 0];
    for (const { candidate, baseline, matched: weight } of matched.pairs) {
      const share = weight / matched.total;
      const [n1, n0] = [attempts(candidate), attempts(baseline)];
      const pooled = (candidate.errors + baseline.errors) / (n1 + n0);
      now += (share * candidate.errors) / n1;
      before += (share * baseline.errors) / n0;
      variance += share ** 2 * pooled * (1 - pooled) * (1 / n1 + 1 / n0);
    }
    const rise = now - before;
    const p = normalTail(rise / Math.sqrt(Math.max(variance, 1e-12)));
    const level = spentAlpha(settings.alpha, matched.total, settings.minInferences);
    const limit = settings.maxErrorRise;
    const closed = rise >= limit && p < level;
    const sentence = `errors went from ${percent(before)} to ${percent(now)} over ${over(matched)} (${writeP(p)}, limit +${percent(limit)}): ${closed ? 'closed' : 'open'}`;
    const numbers = { before, now, rise, p, level, limit, inferences: matched.inferences };
    return { state: closed ? 'closed' : 'open', sentence, numbers };
  },
};

const percent = (share: number): string => `${Number((share * 100).toFixed(1))}%`;
