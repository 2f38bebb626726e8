import { fromHalves, toHalves } from '../half.ts';
import { ELEMENT_TYPES, type Tensor, type TensorInfo } from '../tensor.ts';
import { elementCount } from '../tensors.ts';

/** The elements of a tensor as numbers; FP16 bits are decoded, 64-bit integers may lose digits. */
export function numbersOf(tensor: Tensor): Float32Array | Float64Array {
  const { type, data } = tensor;
  if (type === 'FP32') return data as Float32Array;
  if (type === 'FP64') return data as Float64Array;
  if (type === 'FP16') return fromHalves(data as Uint16Array);
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array;
  // A function for each element takes thirty times as long.
  return isBig ? Float64Array.from(data, Number) : Float64Array.from(data);
}

/**
 * Numbers as a tensor of the element type that a model declares; 64-bit integers lose fractions.
 *
 * @throws RangeError where a number for a 64-bit integer is not finite
 */
export function tensorOf(
  values: ArrayLike<number>,
  shape: readonly number[],
  type: TensorInfo['type'],
): Tensor {
  if (type === 'FP16') return { type, shape, data: toHalves(values) };
  if (type === 'INT64' || type === 'UINT64') {
    const big = Array.from(values, (value) => BigInt(Math.trunc(value)));
    return { type, shape, data: ELEMENT_TYPES[type].from(big) };
  }
  return { type, shape, data: ELEMENT_TYPES[type].from(values) };
}

/** A declared shape with every unknown dimension set to 1, and its number of elements. */
export function smallest(info: TensorInfo): { shape: number[]; count: number } {
  const shape = info.shape.map((dimension) => (dimension === -1 ? 1 : dimension));
  return { shape, count: elementCount(shape) };
}
