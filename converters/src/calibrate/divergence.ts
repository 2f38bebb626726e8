import { activationParams, QUANTIZED, type Range } from '../quantize/params.ts';
import { type Bin, filledBins, type Histogram } from './histogram.ts';
import { searchRange } from './range-search.ts';
import type { ActivationForm } from './statistics.ts';

/**
 * The range whose quantized distribution diverges least from that of the values (Migacz, "8-bit
 * Inference with TensorRT", GTC 2017), for the very integers of a form: both ends are searched where
 * values lie on both sides of zero and the form has a zero point, one end else.
 *
 * Zero is exact in every form and Relu makes half of all values zero: the bin around it is left out,
 * since its peak would say that fine steps matter most there, where they cost nothing.
 *
 * @param extremes the least and the greatest element; finite
 */
export function leastDivergenceRange(
  histogram: Histogram,
  extremes: Range,
  { activation, symmetricActivations }: ActivationForm,
): Range {
  const bins = filledBins(histogram).filter(({ low, high }) => low >= 0 || high <= 0);
  if (bins.length === 0) return extremes;
  return searchRange(extremes, symmetricActivations, (range) => {
    const { scale, zeroPoint } = activationParams(range, activation, symmetricActivations);
    const limits = QUANTIZED[activation];
    const low = (limits.min - zeroPoint - 0.5) * scale;
    const high = (limits.max - zeroPoint + 0.5) * scale;
    return divergence(bins, { min: low, max: high }, scale);
  });
}

/**
 * KL divergence, in nats, of the values from what is left of them: the reference has what lies beyond
 * the range in its outermost bins, the quantized distribution has it nowhere and spreads each
 * integer's count evenly over the filled bins that round to it.
 */
function divergence(bins: readonly Bin[], { min, max }: Range, scale: number): number {
  let first = 0;
  let last = bins.length - 1;
  while (first < last && centerOf(bins[first]!) < min) first += 1;
  while (last > first && centerOf(bins[last]!) > max) last -= 1;
  const below = sumOf(bins, 0, first);
  const above = sumOf(bins, last + 1, bins.length);
  const inside = sumOf(bins, first, last + 1);
  const total = below + inside + above;
  let sum = 0;
  for (let start = first; start <= last; ) {
    const level = Math.round(centerOf(bins[start]!) / scale);
    let end = start;
    let mass = 0;
    while (end <= last && Math.round(centerOf(bins[end]!) / scale) === level) {
      mass += bins[end]!.count;
      end += 1;
    }
    const q = mass / (end - start) / inside;
    for (let i = start; i < end; i++) {
      const beyond = (i === first ? below : 0) + (i === last ? above : 0);
      const p = (bins[i]!.count + beyond) / total;
      sum += p * Math.log(p / q);
    }
    start = end;
  }
  return sum;
}

function centerOf({ low, high }: Bin): number {
  return (low + high) / 2;
}

function sumOf(bins: readonly Bin[], start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += bins[i]!.count;
  return sum;
}
