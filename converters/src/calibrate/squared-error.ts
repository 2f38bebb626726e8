import { activationParams, QUANTIZED, type Range, roundHalfEven } from '../quantize/params.ts';
import { binWidth, filledBins, type Histogram } from './histogram.ts';
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
  { activation, symmetricActivations }: ActivationForm,
): Range {
  const bins = filledBins(histogram);
  const centers = Float64Array.from(bins, ({ low, high }) => (low + high) / 2);
  const counts = Float64Array.from(bins, ({ count }) => count);
  const limits = QUANTIZED[activation];
  const inBin = binWidth(histogram) ** 2 / 12;
  return searchRange(extremes, symmetricActivations, (range) => {
    const { scale, zeroPoint } = activationParams(range, activation, symmetricActivations);
    // Where steps are finer than bins, the error of a value is that of one drawn from its bin.
    const rounding = scale ** 2 / 12;
    const low = (limits.min - zeroPoint) * scale;
    const high = (limits.max - zeroPoint) * scale;
    let sum = 0;
    for (let i = 0; i < centers.length; i++) {
      const center = centers[i]!;
      const cut = center < low ? low - center : center > high ? center - high : 0;
      const rounded = center - roundHalfEven(center / scale) * scale;
      const error = cut > 0 ? cut ** 2 + inBin : rounding < inBin ? rounding : rounded ** 2 + inBin;
      sum += counts[i]! * error;
    }
    return sum;
  });
}
