import { elementCount, makeTensor, type TensorValue, toFloats } from '../ir/tensor.ts';

/** Largest finite and smallest positive float16. */
const LARGEST = 65504;
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
  const values = Float32Array.from(toFloats(tensor));
  const single = elementCount(tensor) === 1;
  let clamped = 0;
  for (const [i, value] of values.entries()) {
    const size = Math.abs(value);
    if (size > LARGEST && size !== Number.POSITIVE_INFINITY) {
      values[i] = Math.sign(value) * LARGEST;
      clamped++;
    } else if (single && size > 0 && size < SMALLEST) {
      values[i] = Math.sign(value) * SMALLEST;
    }
  }
  const halves = new Float16Array(values);
  return { tensor: { ...makeTensor('float16', tensor.dims, halves), ...extraOf(tensor) }, clamped };
}

function extraOf({ extra }: TensorValue) {
  return extra === undefined ? {} : { extra };
}
