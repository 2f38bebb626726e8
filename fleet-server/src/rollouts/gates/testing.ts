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
    pairs,
  };
}

/** Numbers that are the same on every run: mulberry32, and Box and Muller 1958. */
export function createRandom(seed: number) {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const normal = (mean = 0, deviation = 1): number =>
    mean + deviation * Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal };
}
