import { intAttribute, tensorAttribute } from '../../ir/attributes.ts';
import { byteSize, type DataType, dataTypeOfCode } from '../../ir/dtype.ts';
import {
  elementCount,
  fromNumbers,
  int64Tensor,
  isNumeric,
  makeTensor,
  reshaped,
  type TensorValue,
  toNumbers,
} from '../../ir/tensor.ts';
import type { Evaluator } from './evaluator.ts';
import { frontAxis, isMakeable, pick } from './indexing.ts';

/** Largest tensor that is made out of a shape alone. */
const MAX_FILLED = 1 << 16;

const INTEGER_BITS: Partial<Record<DataType, [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 53), 2 ** 53],
  uint64: [0, 2 ** 53],
};

export const identity: Evaluator = ([input]) => input;

export const shape: Evaluator = ([input], node) => {
  if (!input) return undefined;
  const end = intAttribute(node, 'end', input.dims.length);
  const dims = input.dims.slice(intAttribute(node, 'start', 0), end);
  return int64Tensor([dims.length], dims);
};

export const size: Evaluator = ([input]) => input && int64Tensor([], [elementCount(input)]);

export const reshape: Evaluator = ([input, wanted], node) => {
  if (!input || !wanted) return undefined;
  const copyZero = intAttribute(node, 'allowzero', 0) === 0;
  const dims = Array.from(toNumbers(wanted), (dim, axis) =>
    dim === 0 && copyZero ? (input.dims[axis] ?? 0) : dim,
  );
  const open = dims.indexOf(-1);
  if (open >= 0) {
    const rest = elementCount({ dims: dims.toSpliced(open, 1) });
    dims[open] = rest === 0 ? 0 : elementCount(input) / rest;
  }
  return sameSize(input, dims);
};

export const flatten: Evaluator = ([input], node) => {
  if (!input) return undefined;
  const given = intAttribute(node, 'axis', 1);
  const axis = given < 0 ? given + input.dims.length : given;
  const rows = elementCount({ dims: input.dims.slice(0, axis) });
  return sameSize(input, [rows, elementCount({ dims: input.dims.slice(axis) })]);
};

export const squeeze: Evaluator = ([input, axesInput]) => {
  if (!input) return undefined;
  const given = axesInput && Array.from(toNumbers(axesInput));
  const axes = given?.map((axis) => frontAxis(axis, input.dims.length));
  const dims = input.dims.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1));
  return sameSize(input, dims);
};

export const unsqueeze: Evaluator = ([input, axesInput]) => {
  if (!input || !axesInput) return undefined;
  const rank = input.dims.length + elementCount(axesInput);
  if (!isMakeable(Array<number>(rank).fill(1))) return undefined;
  const axes = Array.from(toNumbers(axesInput), (axis) => frontAxis(axis, rank));
  if (new Set(axes).size !== axes.length || axes.includes(undefined)) return undefined;
  const rest = [...input.dims];
  const dims = Array.from({ length: rank }, (_, axis) => (axes.includes(axis) ? 1 : rest.shift()!));
  return sameSize(input, dims);
};

function sameSize(input: TensorValue, dims: readonly number[]): TensorValue | undefined {
  const fits = isMakeable(dims) && elementCount({ dims }) === elementCount(input);
  return fits ? reshaped(input, dims) : undefined;
}

/** Casts whose result the specification fixes: a float that leaves an integer's range is not one. */
export const cast: Evaluator = ([input], node) => {
  const dtype = dataTypeOfCode(intAttribute(node, 'to', 0));
  if (!input || !dtype || !isNumeric(input.dtype) || !isNumeric(dtype)) return undefined;
  if (dtype === input.dtype) return input;
  const values = toNumbers(input);
  if (dtype === 'bool') return fromNumbers(dtype, input.dims, values.map(isNotZero));
  // Integers that no float64 holds would be rounded twice.
  if (input.dtype.endsWith('int64') && !values.every(Number.isSafeInteger)) return undefined;
  const limits = INTEGER_BITS[dtype];
  if (limits === undefined) return fromNumbers(dtype, input.dims, values);
  const [low, high] = limits;
  const whole = values.map(Math.trunc);
  const inside = whole.every((value) => value >= low && value <= high);
  return inside ? fromNumbers(dtype, input.dims, whole) : undefined;
};

/** NaN is not zero either. */
function isNotZero(value: number): number {
  return value === 0 ? 0 : 1;
}

/** Of integers: how runtimes add up floats, the specification does not say. */
export const range: Evaluator = ([start, limit, delta]) => {
  if (!start || !limit || !delta || !INTEGER_BITS[start.dtype]) return undefined;
  const [from, to, step] = [start, limit, delta].map((value) => toNumbers(value)[0]!);
  const count = Math.max(0, Math.ceil((to! - from!) / step!));
  const safe = [from, to, step].every(Number.isSafeInteger);
  if (!safe || !(count <= MAX_FILLED)) return undefined;
  const values = Array.from({ length: count }, (_, i) => from! + i * step!);
  return fromNumbers(start.dtype, [count], values);
};

export const constantOfShape: Evaluator = ([wanted], node) => {
  if (!wanted) return undefined;
  const dims = Array.from(toNumbers(wanted));
  const count = elementCount({ dims });
  if (count > MAX_FILLED || !isMakeable(dims)) return undefined;
  const zero = makeTensor('float32', [1], new Uint8Array(byteSize('float32', 1)));
  return pick(tensorAttribute(node, 'value') ?? zero, dims, new Uint8Array(count));
};

/** Coordinates of the elements that are not zero, one column each. */
export const nonZero: Evaluator = ([input]) => {
  if (!input || !isNumeric(input.dtype) || input.dims.length !== 1) return undefined;
  const found = [...toNumbers(input).entries()].filter(([, value]) => value !== 0);
  return int64Tensor(
    [1, found.length],
    found.map(([index]) => index),
  );
};
