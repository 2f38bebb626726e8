import { activationParams, QUANTIZED, type Range } from '../quantize/params.ts';
import { binWidth, type Histogram } from './histogram.ts';
import type { ActivationForm } from './statistics.ts';

/** Sums over the bins below each bin, so that sums over any stretch of bins take two look-ups. */
export interface Moments {
  readonly width: number;
  /** Elements, elements × center, elements × center²; one longer than there are bins. */
  readonly count: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
  /** Bins that hold elements, and their count × ln(count). */
  readonly filled: Float64Array;
  readonly entropy: Float64Array;
  /** The bin that the sums count from. */
  readonly middle: number;
}

/** @param withMiddle false: the elements of the bin around zero are left out */
export function momentsOf(histogram: Histogram, withMiddle: boolean): Moments {
  const { counts } = histogram;
  const width = binWidth(histogram);
  const middle = (counts.length - 1) / 2;
  const sums = () => new Float64Array(counts.length + 1);
  const [count, first, second, filled, entropy] = [sums(), sums(), sums(), sums(), sums()];
  for (let i = 0; i < counts.length; i++) {
    const own = i === middle && !withMiddle ? 0 : counts[i]!;
    const center = (i - middle + Math.sign(i - middle) / 2) * width;
    count[i + 1] = count[i]! + own;
    first[i + 1] = first[i]! + own * center;
    second[i + 1] = second[i]! + own * center ** 2;
    filled[i + 1] = filled[i]! + (own > 0 ? 1 : 0);
    entropy[i + 1] = entropy[i]! + (own > 0 ? own * Math.log(own) : 0);
  }
  return { width, count, first, second, filled, entropy, middle };
}

/** The first bin whose center is not below a number. */
function binFrom({ width, middle, count }: Moments, value: number): number {
  if (width === 0) return value > 0 ? count.length - 1 : middle;
  const step = value / width;
  const bin = step > 0 ? Math.max(Math.ceil(step - 0.5), 1) : Math.min(Math.ceil(step + 0.5), 0);
  return Math.min(Math.max(middle + bin, 0), count.length - 1);
}

/** What integers stand for: level × scale, for the levels from the lowest to the highest. */
export interface Grid {
  readonly lowest: number;
  readonly highest: number;
  readonly scale: number;
}

export function gridOf(range: Range, form: ActivationForm): Grid {
  const { activation, symmetricActivations } = form;
  const { scale, zeroPoint } = activationParams(range, activation, symmetricActivations);
  const { min, max } = QUANTIZED[activation];
  return { lowest: min - zeroPoint, highest: max - zeroPoint, scale };
}

/** The stretches of bins that round to one integer each, from the lowest to the highest level. */
export function levelsOf(moments: Moments, { lowest, highest, scale }: Grid): Uint32Array {
  const starts = new Uint32Array(highest - lowest + 2);
  for (let level = lowest; level <= highest + 1; level++) {
    starts[level - lowest] = binFrom(moments, (level - 0.5) * scale);
  }
  return starts;
}
