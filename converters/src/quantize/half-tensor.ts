import { elementCount, makeTensor, type TensorValue, toFloats } from '../ir/tensor.ts';

/** Largest finite and smallest positive float16. */
export const LARGEST_HALF = 65504;
const SMALLEST = 2 ** -24;

export interface HalfTensor {
  readonly tensor: TensorValue;
  /** Finite elements beyond ±65504, which became ±65504. */
  readonly clamped: number;
}

/**
 * A float32 tensor in float16, rounded to nearest, ties to even. A single number that would vanish
 * becomes the smallest one that does not: it is an epsilon that something is divided by.
 */
export function toHalfTensor(tensor: TensorValue): HalfTensor {
  const floats = toFloats(tensor);
  const single = elementCount(tensor) === 1;
  const halves = new Float16Array(floats.length);
  let clamped = 0;
  for (const [i, value] of floats.entries()) {
    const size = Math.abs(value);
    if (size > LARGEST_HALF && size !== Number.POSITIVE_INFINITY) clamped++;
    halves[i] = halfOf(value, single);
  }
  return { tensor: { ...makeTensor('float16', tensor.dims, halves), ...extraOf(tensor) }, clamped };
}

/** What float16 takes away: the root of Σ (x − half x)² / Σ x² over what it can reach, and how much it cannot. */
export function halfLoss(tensor: TensorValue): {
  readonly relative: number;
  readonly clamped: number;
} {
  const single = elementCount(tensor) === 1;
  let [signal, noise, clamped] = [0, 0, 0];
  for (const value of toFloats(tensor)) {
    if (!Number.isFinite(value)) continue;
    if (Math.abs(value) > LARGEST_HALF) clamped++;
    else if (!single) {
      signal += value ** 2;
      noise += (value - Math.f16round(value)) ** 2;
    }
  }
  return { relative: signal === 0 ? 0 : Math.sqrt(noise / signal), clamped };
}

function halfOf(value: number, single: boolean): number {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size === 0) return value;
  const least = single ? SMALLEST : 0;
  return Math.sign(value) * Math.min(Math.max(size, least), LARGEST_HALF);
}

function extraOf({ extra }: TensorValue) {
  return extra === undefined ? {} : { extra };
}
