import type { Range } from '../quantize/params.ts';
import { type Histogram, limitOf } from './histogram.ts';

/**
 * The range within the extremes that leaves out the elements of largest magnitude, at most the share
 * 1 − `coverage` of all: of a value that reaches farther on one side only that side is cut, since the
 * other costs no resolution (percentile of absolute values, Wu et al., "Integer Quantization for Deep
 * Learning Inference", 2020).
 *
 * @param extremes the least and the greatest element
 */
export function percentileRange(histogram: Histogram, extremes: Range, coverage: number): Range {
  const limit = limitOf(histogram, coverage);
  return { min: Math.max(extremes.min, -limit), max: Math.min(extremes.max, limit) };
}
