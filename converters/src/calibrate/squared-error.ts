import type { Range } from '../quantize/params.ts';
import type { Histogram } from './histogram.ts';
import { type Grid, gridOf, levelsOf, type Moments, momentsOf } from './moments.ts';
import { searchRange } from './range-search.ts';
import type { ActivationForm } from './statistics.ts';

/**
 * The range at which the integers of a form are nearest to the values: rounding within and cutting
 * off beyond weigh alike, as squares.
 *
 * @param extremes the least and the greatest element; finite
 */
export function leastSquaresRange(
  histogram: Histogram,
  extremes: Range,
  form: ActivationForm,
): Range {
  const { symmetricActivations } = form;
  const moments = momentsOf(histogram, true);
  return searchRange(extremes, symmetricActivations, (range) =>
    squaredError(moments, gridOf(range, form)),
  );
}

/** Sum of squares of value − level · scale, with each value at the nearest of the levels. */
export function squaredError(moments: Moments, grid: Grid): number {
  const { lowest, highest, scale } = grid;
  const starts = levelsOf(moments, grid);
  const inside = { from: starts[0]!, to: starts.at(-1)! };
  const last = moments.count.length - 1;
  const cut =
    aroundPoint(moments, 0, inside.from, lowest * scale) +
    aroundPoint(moments, inside.to, last, highest * scale);
  const elements = moments.count[inside.to]! - moments.count[inside.from]!;
  // Where steps are finer than bins, the error of a value is that of one drawn from its bin.
  const inBin = elements * (Math.min(moments.width, scale) ** 2 / 12);
  if (scale < moments.width) return cut + inBin;
  let rounding = 0;
  for (let level = lowest; level <= highest; level++) {
    const start = starts[level - lowest]!;
    rounding += aroundPoint(moments, start, starts[level - lowest + 1]!, level * scale);
  }
  return cut + inBin + rounding;
}

/** Sum of squares of value − point over a stretch of bins. */
function aroundPoint(
  { count, first, second }: Moments,
  from: number,
  to: number,
  point: number,
): number {
  const squares = second[to]! - second[from]!;
  return Math.max(
    squares - 2 * point * (first[to]! - first[from]!) + point ** 2 * (count[to]! - count[from]!),
    0,
  );
}
