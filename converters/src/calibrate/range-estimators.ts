import type { Range } from '../quantize/params.ts';

/** Gathers the range of one value from samples, in constant memory. */
export interface RangeEstimator {
  observe(min: number, max: number): void;
  /** Not finite where no sample was seen or one held NaN or infinity. */
  range(): Range;
}

/** Every value seen lies in the range. */
export function minMaxEstimator(): RangeEstimator {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  return {
    observe(min, max) {
      low = Math.min(low, min);
      high = Math.max(high, max);
    },
    range: () => ({ min: low, max: high }),
  };
}

/**
 * Mean of each sample's extremes: a rare outlier widens the range less, and saturates. ONNX
 * Runtime's `CalibMovingAverage` without decay, so that the order of samples is of no matter.
 */
export function averageEstimator(): RangeEstimator {
  let lows = 0;
  let highs = 0;
  let samples = 0;
  return {
    observe(min, max) {
      lows += min;
      highs += max;
      samples += 1;
    },
    range: () => ({ min: lows / samples, max: highs / samples }),
  };
}
