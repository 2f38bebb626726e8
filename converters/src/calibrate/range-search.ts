import type { Range } from '../quantize/params.ts';

/** Ends are tried at 2^(−k / 8) of the extremes: from all of it down to a 64th. */
const STEPS = 48;
const PER_OCTAVE = 8;
/** Then in between, at quarters of a step. */
const FINER = 4;
const MAX_ROUNDS = 4;

/**
 * The range within the extremes that costs least. The ends are moved in turns, since the cost of one
 * hangs on the other only by the step size; a symmetric range has one end to move. Of equal costs
 * the wider range is taken.
 *
 * @param extremes finite, min ≤ max
 */
export function searchRange(
  extremes: Range,
  symmetric: boolean,
  cost: (range: Range) => number,
): Range {
  const low = Math.min(extremes.min, 0);
  const high = Math.max(extremes.max, 0);
  if (symmetric) {
    const most = Math.max(-low, high);
    const at = (end: number): Range => ({ min: Math.max(-end, low), max: Math.min(end, high) });
    return at(bestEnd(most, (end) => cost({ min: -end, max: end })));
  }
  let range: Range = { min: low, max: high };
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const { min, max } = range;
    const lower = min < 0 ? bestEnd(low, (end) => cost({ min: end, max })) : min;
    const upper = max > 0 ? bestEnd(high, (end) => cost({ min: lower, max: end })) : max;
    range = { min: lower, max: upper };
    if (lower === min && upper === max) break;
    if (low === 0 || high === 0) break;
  }
  return range;
}

/** The fraction of an end that costs least: coarse steps, then finer ones around the best. */
function bestEnd(whole: number, cost: (end: number) => number): number {
  const coarse = bestOf(steps(0, STEPS), whole, cost);
  const near = steps(Math.max(0, coarse - 1) * FINER, Math.min(STEPS, coarse + 1) * FINER);
  return endAt(
    whole,
    bestOf(
      near.map((k) => k / FINER),
      whole,
      cost,
    ),
  );
}

function bestOf(
  exponents: readonly number[],
  whole: number,
  cost: (end: number) => number,
): number {
  let best = exponents[0] ?? 0;
  let least = Number.POSITIVE_INFINITY;
  for (const exponent of exponents) {
    const own = cost(endAt(whole, exponent));
    if (own < least) {
      least = own;
      best = exponent;
    }
  }
  return best;
}

function endAt(whole: number, exponent: number): number {
  return whole * 2 ** (-exponent / PER_OCTAVE);
}

function steps(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
