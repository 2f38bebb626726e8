import { intAttribute, intsAttribute } from '../../ir/attributes.ts';
import { elementCount, type TensorValue, toNumbers } from '../../ir/tensor.ts';
import { sliceBounds } from '../shapes/layout.ts';
import type { Evaluator } from './evaluator.ts';
import {
  broadcastDims,
  broadcastPositions,
  frontAxis,
  isMakeable,
  pick,
  positions,
  stridesOf,
} from './indexing.ts';

export const transpose: Evaluator = ([input], node) => {
  if (!input) return undefined;
  const backwards = input.dims.map((_, axis) => input.dims.length - 1 - axis);
  const order = intsAttribute(node, 'perm', backwards);
  const strides = stridesOf(input.dims);
  const valid = new Set(order).size === input.dims.length && order.every((i) => i in input.dims);
  if (!valid || order.length !== input.dims.length) return undefined;
  const dims = order.map((axis) => input.dims[axis]!);
  return pick(
    input,
    dims,
    positions(
      dims,
      order.map((axis) => strides[axis]!),
    ),
  );
};

export const concat: Evaluator = (inputs, node) => {
  const parts = inputs.filter((input) => input !== undefined);
  const [first] = parts;
  if (!first || parts.length !== inputs.length) return undefined;
  const axis = frontAxis(intAttribute(node, 'axis', 0), first.dims.length);
  if (axis === undefined || parts.some((part) => !joins(part, first, axis))) return undefined;
  const outer = elementCount({ dims: first.dims.slice(0, axis) });
  if (first.dtype === 'string' || outer === 0) return undefined;
  const sources = parts.map((part) => part.bytes);
  const rows = sources.map((source) => source.length / outer);
  const bytes = new Uint8Array(outer * rows.reduce((sum, row) => sum + row, 0));
  let end = 0;
  for (let i = 0; i < outer; i++) {
    for (const [p, source] of sources.entries()) {
      bytes.set(source.subarray(i * rows[p]!, (i + 1) * rows[p]!), end);
      end += rows[p]!;
    }
  }
  const length = parts.reduce((sum, part) => sum + part.dims[axis]!, 0);
  return { dtype: first.dtype, dims: first.dims.with(axis, length), bytes };
};

function joins(part: TensorValue, first: TensorValue, axis: number): boolean {
  const sameRank = part.dtype === first.dtype && part.dims.length === first.dims.length;
  return sameRank && part.dims.every((dim, i) => i === axis || dim === first.dims[i]);
}

export const gather: Evaluator = ([data, indices], node) => {
  if (!data || !indices) return undefined;
  const axis = frontAxis(intAttribute(node, 'axis', 0), data.dims.length);
  if (axis === undefined) return undefined;
  const size = data.dims[axis]!;
  const chosen = Array.from(toNumbers(indices), (index) => frontAxis(index, size));
  const [before, after] = [data.dims.slice(0, axis), data.dims.slice(axis + 1)];
  const result = [...before, ...indices.dims, ...after];
  if (!isMakeable(result) || chosen.includes(undefined)) return undefined;
  const [outer, inner] = [elementCount({ dims: before }), elementCount({ dims: after })];
  const from = new Int32Array(elementCount({ dims: result }));
  for (let i = 0, line = 0; line < outer * chosen.length; line++) {
    const row = Math.floor(line / chosen.length) * size + chosen[line % chosen.length]!;
    for (let at = row * inner; at < (row + 1) * inner; at++) from[i++] = at;
  }
  return pick(data, result, from);
};

export const slice: Evaluator = ([data, starts, ends, axesInput, stepsInput]) => {
  if (!data || !starts || !ends) return undefined;
  const count = elementCount(starts);
  const lists = [starts, ends, axesInput, stepsInput].filter((list) => list !== undefined);
  const even = lists.every((list) => elementCount(list) === count);
  if (!even || count > data.dims.length) return undefined;
  const [from, to] = [toNumbers(starts), toNumbers(ends)];
  const steps = stepsInput ? toNumbers(stepsInput) : from.map(() => 1);
  const given = Array.from(axesInput ? toNumbers(axesInput) : from.keys());
  const axes = given.map((axis) => frontAxis(axis, data.dims.length));
  if (new Set(axes).size !== count || axes.includes(undefined) || steps.includes(0)) {
    return undefined;
  }
  const strides = stridesOf(data.dims);
  const dims = [...data.dims];
  const stepped = [...strides];
  let start = 0;
  for (const [i, axis] of axes.entries()) {
    const range = sliceBounds(data.dims[axis!]!, from[i]!, to[i]!, steps[i]!);
    dims[axis!] = Math.max(0, Math.ceil((range.to - range.from) / steps[i]!));
    stepped[axis!] = strides[axis!]! * steps[i]!;
    start += range.from * strides[axis!]!;
  }
  return pick(data, dims, positions(dims, stepped, start));
};

export const expand: Evaluator = ([input, shape]) => {
  if (!input || !shape) return undefined;
  const dims = broadcastDims([input.dims, Array.from(toNumbers(shape))]);
  return dims && pick(input, dims, broadcastPositions(input.dims, dims));
};

export const tile: Evaluator = ([input, repeats]) => {
  if (!input || !repeats) return undefined;
  const times = Array.from(toNumbers(repeats));
  if (times.length !== input.dims.length) return undefined;
  const paired = input.dims.flatMap((dim, axis) => [times[axis]!, dim]);
  const strides = stridesOf(input.dims).flatMap((stride) => [0, stride]);
  const dims = input.dims.map((dim, axis) => dim * times[axis]!);
  if (!isMakeable(dims) || !isMakeable(times)) return undefined;
  return pick(input, dims, positions(paired, strides));
};
