import { intAttribute, intsAttribute } from '../../ir/attributes.ts';
import type { DataType } from '../../ir/dtype.ts';
import type { Node } from '../../ir/graph.ts';
import {
  elementCount,
  fromNumbers,
  isNumeric,
  makeTensor,
  type TensorValue,
  toBigInts,
  toNumbers,
} from '../../ir/tensor.ts';
import type { Evaluator } from './evaluator.ts';
import { broadcastDims, broadcastPositions, frontAxis, pick } from './indexing.ts';

type Binary = (a: number, b: number) => number;
type BigBinary = (a: bigint, b: bigint) => bigint;

const WIDE: readonly DataType[] = ['int64', 'uint64'];
/** Integers are computed one by one as bigints: many of them are left to the runtime. */
const MAX_INTEGERS = 1 << 18;

const FLOATS: readonly DataType[] = ['float16', 'bfloat16', 'float32', 'float64'];

/** Elementwise over two or more tensors; integers stay exact and wrap. */
export function elementwise(onNumbers: Binary, onBigInts: BigBinary): Evaluator {
  return (inputs) => {
    const tensors = inputs.filter((input) => input !== undefined);
    const [first, ...rest] = tensors;
    if (!first || tensors.length !== inputs.length) return undefined;
    return rest.reduce<TensorValue | undefined>(
      (sum, next) => sum && combine(sum, next, onNumbers, onBigInts),
      first,
    );
  };
}

function combine(
  a: TensorValue,
  b: TensorValue,
  onNumbers: Binary,
  onBigInts: BigBinary,
): TensorValue | undefined {
  const dims = broadcastDims([a.dims, b.dims]);
  if (dims === undefined || a.dtype !== b.dtype || !isNumeric(a.dtype)) return undefined;
  const [left, right] = [broadcastPositions(a.dims, dims), broadcastPositions(b.dims, dims)];
  if (!FLOATS.includes(a.dtype)) {
    if (elementCount({ dims }) > MAX_INTEGERS) return undefined;
    const [x, y] = [toBigInts(a), toBigInts(b)];
    const values = Array.from(left, (_, i) => onBigInts(x[left[i]!]!, y[right[i]!]!));
    return fromBigInts(a.dtype, dims, values);
  }
  const [x, y] = [toNumbers(a), toNumbers(b)];
  // A loop: `from` goes through an iterator, ten times as slow.
  const values = new Float64Array(left.length);
  for (let i = 0; i < values.length; i++) values[i] = onNumbers(x[left[i]!]!, y[right[i]!]!);
  return fromNumbers(a.dtype, dims, values);
}

/** Integers of any width, wrapped to that of the type. */
function fromBigInts(dtype: DataType, dims: readonly number[], values: bigint[]): TensorValue {
  if (dtype === 'int64') return makeTensor(dtype, dims, BigInt64Array.from(values));
  if (dtype === 'uint64') return makeTensor(dtype, dims, BigUint64Array.from(values));
  return fromNumbers(
    dtype,
    dims,
    values.map((value) => Number(BigInt.asIntN(32, value))),
  );
}

const quotient = elementwise(
  (a, b) => a / b,
  (a, b) => a / b,
);

/** Integers divide towards zero; a division by zero is left to the runtime. */
export const divide: Evaluator = (inputs, node) => {
  const divisor = inputs[1];
  if (!divisor || !isNumeric(divisor.dtype)) return undefined;
  if (!FLOATS.includes(divisor.dtype) && toNumbers(divisor).includes(0)) return undefined;
  return quotient(inputs, node);
};

/** One tensor in, one of the same type out. */
export function unary(compute: (value: number) => number, types: 'float' | 'signed'): Evaluator {
  return ([input]) => {
    if (!input || !isNumeric(input.dtype) || input.dtype === 'bool') return undefined;
    if (types === 'float' && !FLOATS.includes(input.dtype)) return undefined;
    if (WIDE.includes(input.dtype) && toBigInts(input).some((value) => !isSafe(value))) {
      return undefined;
    }
    return fromNumbers(input.dtype, input.dims, toNumbers(input).map(compute));
  };
}

function isSafe(value: bigint): boolean {
  return BigInt(Number(value)) === value && Math.abs(Number(value)) <= Number.MAX_SAFE_INTEGER;
}

/** A comparison or a logical operation: bool out. */
export function predicate(compute: (a: number, b: number) => boolean): Evaluator {
  return ([a, b]) => {
    if (!a || !b || a.dtype !== b.dtype || !isNumeric(a.dtype)) return undefined;
    if ([a, b].some((t) => WIDE.includes(t.dtype) && !toBigInts(t).every(isSafe))) return undefined;
    const dims = broadcastDims([a.dims, b.dims]);
    if (dims === undefined) return undefined;
    const [left, right] = [broadcastPositions(a.dims, dims), broadcastPositions(b.dims, dims)];
    const [x, y] = [toNumbers(a), toNumbers(b)];
    const values = new Float64Array(left.length);
    for (let i = 0; i < values.length; i++)
      values[i] = Number(compute(x[left[i]!]!, y[right[i]!]!));
    return fromNumbers('bool', dims, values);
  };
}

export const not: Evaluator = ([input]) =>
  input?.dtype === 'bool'
    ? fromNumbers(
        'bool',
        input.dims,
        toNumbers(input).map((value) => (value ? 0 : 1)),
      )
    : undefined;

export const where: Evaluator = ([condition, yes, no]) => {
  if (!condition || !yes || !no || yes.dtype !== no.dtype) return undefined;
  const dims = broadcastDims([condition.dims, yes.dims, no.dims]);
  if (dims === undefined) return undefined;
  const chosen = toNumbers(condition);
  const [test, left, right] = [condition, yes, no].map((t) => broadcastPositions(t.dims, dims));
  const [a, b] = [pick(yes, dims, left!), pick(no, dims, right!)];
  if (!a || !b) return undefined;
  const size = a.bytes.length / Math.max(1, test!.length);
  const bytes = a.bytes.slice();
  for (const [i, position] of test!.entries()) {
    if (!chosen[position]) bytes.set(b.bytes.subarray(i * size, (i + 1) * size), i * size);
  }
  return { dtype: yes.dtype, dims, bytes };
};

/** Reductions of integers, as computations of shapes have them: over all axes, or over those given. */
export function reduce(onBigInts: BigBinary, start: bigint | undefined): Evaluator {
  return ([input, axesInput], node) => {
    if (!input || !['int64', 'int32'].includes(input.dtype)) return undefined;
    if (elementCount(input) > MAX_INTEGERS) return undefined;
    const axes = reducedAxes(node, axesInput, input.dims.length);
    if (axes === undefined) return undefined;
    const kept = input.dims.map((dim, axis) => (axes.has(axis) ? 1 : dim));
    const target = broadcastPositions(kept, input.dims);
    const sums = new Map<number, bigint>();
    for (const [i, value] of toBigInts(input).entries()) {
      const sum = sums.get(target[i]!) ?? start;
      sums.set(target[i]!, sum === undefined ? value : onBigInts(sum, value));
    }
    const flat = input.dims.filter((_, axis) => !axes.has(axis));
    const dims = intAttribute(node, 'keepdims', 1) ? kept : flat;
    const values = [...sums].sort(([a], [b]) => a - b).map(([, value]) => Number(value));
    const fits = values.length > 0 && values.every(Number.isSafeInteger);
    return fits ? fromNumbers(input.dtype, dims, values) : undefined;
  };
}

function reducedAxes(
  node: Node,
  input: TensorValue | undefined,
  rank: number,
): Set<number> | undefined {
  const given = input ? Array.from(toNumbers(input)) : intsAttribute(node, 'axes', []);
  if (given.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0)) return undefined;
  if (given.length === 0) return new Set(Array.from({ length: rank }, (_, axis) => axis));
  const axes = given.map((axis) => frontAxis(axis, rank)).filter((axis) => axis !== undefined);
  return axes.length === given.length ? new Set(axes) : undefined;
}

export function larger(a: bigint, b: bigint): bigint {
  if (a > b) return a;
  return b;
}

export function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}
