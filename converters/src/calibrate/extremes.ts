import { clamp, type Range, unite } from '../quantize/params.ts';
import type { Derivation, Observation } from './derived.ts';

/** The extremes of one value, gathered sample by sample in constant memory. */
export interface Extremes {
  /** Every element seen lies in it. Not finite where one was infinite. */
  whole(): Range;
  /**
   * Mean of each sample's extremes: a rare outlier widens the range less, and saturates. ONNX
   * Runtime's `CalibMovingAverage` without decay, so that the order of samples is of no matter.
   */
  mean(): Range;
}

/** The extremes of all values, those that follow from others included. */
export interface ExtremesTable {
  readonly samples: number;
  /** @param extremes least and greatest element of each observed value in one sample, in turns */
  add(extremes: Float32Array): void;
  readonly values: ReadonlyMap<string, Extremes>;
}

interface Gathered extends Extremes {
  add(range: Range): void;
}

export function createExtremes({ observed, derived }: Observation): ExtremesTable {
  const values = new Map([...observed, ...derived.keys()].map((name) => [name, gather()]));
  let samples = 0;
  return {
    values,
    get samples() {
      return samples;
    },
    add(extremes) {
      const sample = new Map<string, Range>();
      observed.forEach((name, i) => {
        sample.set(name, { min: extremes[2 * i]!, max: extremes[2 * i + 1]! });
      });
      for (const [name, gathered] of values) gathered.add(rangeOf(name, sample, derived));
      samples += 1;
    },
  };
}

/** Each range is worked out once: `sample` keeps it. */
function rangeOf(name: string, sample: Map<string, Range>, derived: Observation['derived']): Range {
  const known = sample.get(name);
  if (known !== undefined) return known;
  const range = follow(derived.get(name)!, (from) => rangeOf(from, sample, derived));
  sample.set(name, range);
  return range;
}

function follow(derivation: Derivation, rangeOf: (name: string) => Range): Range {
  switch (derivation.kind) {
    case 'same':
      return rangeOf(derivation.from);
    case 'clip': {
      const { min, max } = rangeOf(derivation.from);
      const { low, high } = derivation;
      return { min: clamp(min, low, high), max: clamp(max, low, high) };
    }
    case 'join':
      return derivation.from.map(rangeOf).reduce(unite);
  }
}

function gather(): Gathered {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let lows = 0;
  let highs = 0;
  let samples = 0;
  return {
    add({ min, max }) {
      low = Math.min(low, min);
      high = Math.max(high, max);
      lows += min;
      highs += max;
      samples += 1;
    },
    whole: () => ({ min: low, max: high }),
    mean: () => ({ min: lows / samples, max: highs / samples }),
  };
}
