import type { Prior } from './e-values.ts';
import {
  type Change,
  changesOf,
  findChange,
  oneShareVariance,
  over,
  withoutEvidence,
} from './paired.ts';
import { percent } from './text.ts';
import type { DevicePair, Gate } from './types.ts';

const PRIOR: Prior = { spread: 0.05, scale: 0.1, floor: 0.01 };

/** Share of the inferences for which a shadow names another class than the active model. */
export const disagreement: Gate = {
  title: 'Disagreement of the shadow',
  find({ pairs, shadow }, settings) {
    const shadows = pairs.filter(({ comparison }) => comparison !== undefined);
    if (shadows.length === 0) {
      const sentence = shadow
        ? 'waits for the first comparisons of the shadow with the active model'
        : 'no shadow runs: nothing to compare';
      return { state: 'not-applicable', sentence, numbers: {} };
    }
    const changes = changesOf(shadows, changeOf);
    const tolerated = settings.maxDisagreement;
    return (
      withoutEvidence(changes, shadows, settings, 'inferences by both models') ??
      findChange(
        changes,
        { tolerated, prior: PRIOR, text: `at most ${percent(tolerated)}` },
        ({ now }) => `the shadow disagrees on ${percent(now)} of ${over(changes)}`,
      )
    );
  },
};

function changeOf({ comparison }: DevicePair): Change | undefined {
  if (comparison === undefined || comparison.compared === 0) return undefined;
  const { compared, agreed } = comparison;
  const now = 1 - agreed / compared;
  const sampling = oneShareVariance(compared - agreed, compared);
  return { matched: compared, observed: compared, change: now, sampling, before: 0, now };
}
