import type { Range } from '../quantize/params.ts';
import { type Bin, filledBins, type Histogram } from './histogram.ts';

/**
 * The smallest range between bin edges that leaves at most the share 1 − `coverage` of the elements
 * outside: half of it on either side, or all of it above where nothing is below zero.
 *
 * @param extremes the least and the greatest element
 */
export function percentileRange(histogram: Histogram, extremes: Range, coverage: number): Range {
  const bins = filledBins(histogram);
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const sides = Number(extremes.min < 0) + Number(extremes.max > 0);
  const outside = (total * (1 - coverage)) / Math.max(sides, 1);
  const low = extremes.min < 0 ? (firstBeyond(bins, outside)?.low ?? 0) : extremes.min;
  const high = extremes.max > 0 ? (firstBeyond(bins.toReversed(), outside)?.high ?? 0) : 0;
  return { min: Math.max(extremes.min, low), max: Math.min(extremes.max, high) };
}

function firstBeyond(bins: readonly Bin[], outside: number): Bin | undefined {
  let sum = 0;
  for (const bin of bins) {
    sum += bin.count;
    if (sum > outside) return bin;
  }
  return bins.at(-1);
}
