import type { Range } from '../quantize/params.ts';

const BINS = 4096;
const HALF = BINS / 2;

/**
 * Histogram of values of unknown range in constant memory. Bins are symmetric around 0; when a
 * value falls outside, the range doubles and neighboring bins merge, so that one pass is enough.
 */
export interface Histogram {
  add(values: Float32Array): void;
  /**
   * The smallest range between bin edges that leaves at most the share 1 − `coverage` of the values
   * outside, half of it on either side. Not finite where nothing finite was added.
   */
  range(coverage: number): Range;
}

export function createHistogram(): Histogram {
  let counts = new Float64Array(BINS);
  let limit = 0;
  let total = 0;
  let finite = true;
  const grow = (magnitude: number): void => {
    if (limit === 0) limit = 2 ** Math.ceil(Math.log2(magnitude));
    while (magnitude > limit) {
      counts = merged(counts);
      limit *= 2;
    }
  };
  return {
    add(values) {
      const largest = largestMagnitude(values);
      finite &&= Number.isFinite(largest);
      if (!finite || values.length === 0) return;
      if (largest > 0) grow(largest);
      const perUnit = limit === 0 ? 0 : HALF / limit;
      for (let i = 0; i < values.length; i++) {
        counts[Math.min(HALF + Math.floor(values[i]! * perUnit), BINS - 1)]! += 1;
      }
      total += values.length;
    },
    range(coverage) {
      if (!finite || total === 0) return { min: Number.NaN, max: Number.NaN };
      const width = limit / HALF;
      const outside = (total * (1 - coverage)) / 2;
      return {
        min: (firstBeyond(counts, outside) - HALF) * width,
        max: (BINS - firstBeyond(counts.toReversed(), outside) - HALF) * width,
      };
    },
  };
}

function largestMagnitude(values: Float32Array): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (!(magnitude <= largest)) largest = magnitude;
  }
  return largest;
}

/** The counts of the doubled range: bins pair up around the middle. */
function merged(counts: Float64Array): Float64Array<ArrayBuffer> {
  const next = new Float64Array(BINS);
  for (let i = 0; i < BINS; i++) next[HALF / 2 + Math.floor(i / 2)]! += counts[i]!;
  return next;
}

function firstBeyond(counts: Float64Array, outside: number): number {
  let sum = 0;
  for (let i = 0; i < counts.length; i++) {
    sum += counts[i]!;
    if (sum > outside) return i;
  }
  return counts.length;
}
