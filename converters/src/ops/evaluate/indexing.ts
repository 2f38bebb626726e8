import { DATA_TYPES } from '../../ir/dtype.ts';
import { elementCount, type TensorValue } from '../../ir/tensor.ts';
import { MAX_RANK } from '../shapes/rule.ts';

/** Most elements that anything here makes; a file may ask for any number. */
const MAX_ELEMENTS = 1 << 24;

/** True for dimensions of a tensor that may be made here. */
export function isMakeable(dims: readonly number[]): boolean {
  if (dims.length > MAX_RANK) return false;
  const sizes = dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0);
  return sizes && elementCount({ dims }) <= MAX_ELEMENTS;
}

/** Steps between neighbors of each dimension, in elements, row-major. */
export function stridesOf(dims: readonly number[]): number[] {
  const strides = dims.map(() => 1);
  for (let axis = dims.length - 2; axis >= 0; axis--) {
    strides[axis] = strides[axis + 1]! * dims[axis + 1]!;
  }
  return strides;
}

/**
 * For each position of a tensor of `dims`, in row-major order, the element that lies at
 * Σ coordinate·stride + start.
 */
export function positions(
  dims: readonly number[],
  strides: readonly number[],
  start = 0,
): Int32Array {
  const found = new Int32Array(elementCount({ dims }));
  const coordinate = dims.map(() => 0);
  let position = start;
  for (let i = 0; i < found.length; i++) {
    found[i] = position;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      coordinate[axis]!++;
      position += strides[axis]!;
      if (coordinate[axis]! < dims[axis]!) break;
      position -= strides[axis]! * dims[axis]!;
      coordinate[axis] = 0;
    }
  }
  return found;
}

/** The dimensions that several broadcast to (numpy rules), or undefined where they do not fit or are too large. */
export function broadcastDims(shapes: readonly (readonly number[])[]): number[] | undefined {
  const rank = Math.max(0, ...shapes.map((dims) => dims.length));
  const result = new Array<number>(rank).fill(1);
  for (const dims of shapes) {
    for (const [i, dim] of dims.entries()) {
      const axis = rank - dims.length + i;
      if (result[axis] === 1) result[axis] = dim;
      else if (dim !== 1 && dim !== result[axis]) return undefined;
    }
  }
  return isMakeable(result) ? result : undefined;
}

/** Where each element of the broadcast result comes from in a tensor of `dims`. */
export function broadcastPositions(dims: readonly number[], result: readonly number[]): Int32Array {
  const own = stridesOf(dims);
  const offset = result.length - dims.length;
  const strides = result.map((_, axis) => {
    const i = axis - offset;
    return i < 0 || dims[i] === 1 ? 0 : own[i]!;
  });
  return positions(result, strides);
}

/** A tensor made of the elements of another, by position; undefined for types without whole bytes. */
export function pick(
  tensor: TensorValue,
  dims: readonly number[],
  from: ArrayLike<number>,
): TensorValue | undefined {
  const size = DATA_TYPES[tensor.dtype].bits / 8;
  if (size < 1) return undefined;
  const { bytes: source } = tensor;
  const bytes = new Uint8Array(from.length * size);
  for (let i = 0; i < from.length; i++) {
    const start = from[i]! * size;
    for (let byte = 0; byte < size; byte++) bytes[i * size + byte] = source[start + byte]!;
  }
  return { dtype: tensor.dtype, dims: [...dims], bytes };
}

/** An axis counted from the front, or undefined where it lies outside. */
export function frontAxis(axis: number, rank: number): number | undefined {
  const front = axis < 0 ? axis + rank : axis;
  return front >= 0 && front < rank ? front : undefined;
}
