import type { Range } from '../quantize/params.ts';
import type { Histogram } from './histogram.ts';
import { gridOf, levelsOf, type Moments, momentsOf } from './moments.ts';
import { searchRange } from './range-search.ts';
import { squaredError } from './squared-error.ts';
import type { ActivationForm } from './statistics.ts';

/**
 * The range whose quantized distribution diverges least from that of the values (Migacz, "8-bit
 * Inference with TensorRT", GTC 2017), for the very integers of a form: both ends are searched where
 * values lie on both sides of zero and the form has a zero point, one end else.
 *
 * Zero is exact in every form and Relu makes half of all values zero: the bin around it is left out,
 * since its peak would say that fine steps matter most there, where they cost nothing.
 *
 * Divergence does not tell how far values are moved: a few values that many elements have, as where
 * a background leaves nothing but the bias, draw fine steps to them and cost nothing to cut beyond.
 * So ranges that bring more squared error than cutting nothing off are no candidates.
 *
 * @param extremes the least and the greatest element; finite
 */
export function leastDivergenceRange(
  histogram: Histogram,
  extremes: Range,
  form: ActivationForm,
): Range {
  const moments = momentsOf(histogram, false);
  const most = squaredError(moments, gridOf(extremes, form));
  return searchRange(extremes, form.symmetricActivations, (range) => {
    const grid = gridOf(range, form);
    if (squaredError(moments, grid) > most) return Number.POSITIVE_INFINITY;
    return divergence(moments, levelsOf(moments, grid));
  });
}

/**
 * KL divergence, in nats, of the values from what is left of them: the reference has what lies beyond
 * the range in its outermost filled bins, the quantized distribution has it nowhere and spreads each
 * integer's count evenly over the filled bins that round to it.
 */
function divergence(moments: Moments, starts: Uint32Array): number {
  const { count, filled, entropy } = moments;
  const total = count.at(-1)!;
  const [from, to] = [starts[0]!, starts.at(-1)!];
  const inside = count[to]! - count[from]!;
  if (inside === 0) return total === 0 ? 0 : Number.POSITIVE_INFINITY;
  // Σ p ln(p / q) = Σ p ln p − Σ p ln q; q is the same in all bins of a level.
  let sum = (entropy[to]! - entropy[from]!) / total - (inside / total) * Math.log(total);
  let lowest = 0;
  let highest = 0;
  for (let i = 0; i + 1 < starts.length; i++) {
    const [start, end] = [starts[i]!, starts[i + 1]!];
    const mass = count[end]! - count[start]!;
    if (mass === 0) continue;
    highest = mass / (filled[end]! - filled[start]!) / inside;
    lowest ||= highest;
    sum -= (mass / total) * Math.log(highest);
  }
  const below = count[from]! / total;
  const above = (total - count[to]!) / total;
  const [first, last] = [countAfter(count, from) / total, countBefore(count, to) / total];
  return sum + raised(first, below, lowest) + raised(last, above, highest);
}

/** What p ln(p / q) grows by where p does. */
function raised(p: number, by: number, q: number): number {
  return by === 0 ? 0 : (p + by) * Math.log((p + by) / q) - p * Math.log(p / q);
}

/** Elements in the first bin from `bin` on that holds any. */
function countAfter(count: Float64Array, bin: number): number {
  let at = bin;
  while (count[at + 1] === count[at]) at += 1;
  return count[at + 1]! - count[at]!;
}

/** Elements in the last bin before `bin` that holds any. */
function countBefore(count: Float64Array, bin: number): number {
  let at = bin;
  while (count[at - 1] === count[at]) at -= 1;
  return count[at]! - count[at - 1]!;
}
