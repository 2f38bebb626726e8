import type { DevicePair, Evidence, Side, Tally, TallyName } from './types.ts';

const NONE = { count: 0, mean: 0, m2: 0 };

export const emptySide = (): Side => ({
  inferences: 0,
  errors: 0,
  logLatency: NONE,
  confidence: NONE,
  classCounts: [],
  rssBytes: 0,
  labeled: 0,
  correct: 0,
});

export const tallyOf = (asked: number, bad: number, reason = '', variant = VARIANT): Tally => ({
  variant,
  asked,
  bad,
  reason,
});

export const VARIANT = 'x86-64 int8';

/** Evidence of a large membership in which nothing else is to be seen. */
export function evidenceOf(
  pairs: readonly DevicePair[] = [],
  tallies: Partial<Record<TallyName, readonly Tally[]>> = {},
): Evidence {
  const variants = new Set([VARIANT, ...pairs.map(({ variant }) => variant)]);
  return {
    membership: 1000,
    variants: [...variants],
    tallies: { activations: [], crashes: [], 'self-test': [], drift: [], ...tallies },
    shadow: pairs.some(({ comparison }) => comparison !== undefined),
    pairs,
  };
}
