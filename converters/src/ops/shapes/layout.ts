import { intAttribute, intsAttribute } from '../../ir/attributes.ts';
import type { Dim } from '../../ir/graph.ts';
import { add, ceilDivide, divideProducts, multiply, product, subtract } from '../symbolic.ts';
import {
  axesOf,
  axisOf,
  broadcastShapes,
  type Call,
  elementsOf,
  type Family,
  front,
  intsOrInput,
  isGiven,
  lengthOf,
  numbersOf,
  type Shape,
  type ShapeRule,
  type ShapesRule,
  shapeOf,
  unknown,
} from './rule.ts';

const reshape: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const wanted = intsAttribute(call.node, 'shape', undefined) ?? elementsOf(call, 1);
  const rank = lengthOf(call, 1);
  if (wanted === undefined) return rank === undefined ? undefined : unknown(rank);
  const copiesZero = intAttribute(call.node, 'allowzero', 0) === 0;
  const dims = wanted.map((dim, axis) => (dim === 0 && copiesZero ? (data?.[axis] ?? null) : dim));
  const open = dims.indexOf(-1);
  if (open < 0) return onlyUnknown(dims, data);
  return dims.with(open, data ? divideProducts(data, dims.toSpliced(open, 1)) : null);
};

/** One size that is not known follows from all others, as the number of elements stays. */
function onlyUnknown(dims: Shape, data: Shape | undefined): Shape {
  const open = dims.indexOf(null);
  if (open < 0 || open !== dims.lastIndexOf(null) || !data) return dims;
  return dims.with(open, divideProducts(data, dims.toSpliced(open, 1)));
}

const flatten: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  if (!data) return [null, null];
  const axis = front(intAttribute(call.node, 'axis', 1), data.length);
  return [product(data.slice(0, axis)), product(data.slice(axis))];
};

const transpose: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const order = intsAttribute(call.node, 'perm', undefined);
  if (order === undefined) return data?.toReversed();
  return order.map((axis) => data?.[axis] ?? null);
};

const concat: ShapeRule = (call) => {
  const shapes = call.inputs.map((facts) => facts.shape);
  const first = shapes.find((shape) => shape !== undefined);
  const axis = first && axisOf(call.node, 1, first.length);
  if (!first || axis === undefined) return undefined;
  return first.map((_, i) => {
    const dims = shapes.map((shape) => shape?.[i] ?? null);
    return i === axis ? dims.reduce<Dim>(add, 0) : dims.reduce<Dim>(either, null);
  });
};

/** Two views of one size: what is a number says more than a symbol, and that more than nothing. */
function either(a: Dim, b: Dim): Dim {
  return typeof a === 'number' || b === null ? a : typeof b === 'number' || a === null ? b : a;
}

const squeeze: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  if (!data) return undefined;
  if (!call.node.attributes.has('axes') && !isGiven(call, 1)) {
    return data.every((dim) => typeof dim === 'number')
      ? data.filter((dim) => dim !== 1)
      : undefined;
  }
  const axes = axesOf(call, 1, data.length);
  return axes && data.filter((_, axis) => !axes.includes(axis));
};

const unsqueeze: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const count = intsOrInput(call, 'axes', 1)?.length;
  if (!data || count === undefined) return undefined;
  const axes = axesOf(call, 1, data.length + count);
  if (!axes) return unknown(data.length + count);
  const rest = [...data];
  return Array.from({ length: data.length + count }, (_, axis) =>
    axes.includes(axis) ? 1 : (rest.shift() ?? null),
  );
};

const split: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  const parts = call.node.outputs.length;
  const axis = data && axisOf(call.node, 0, data.length);
  if (!data || axis === undefined) return [];
  const given = intsOrInput(call, 'split', 1);
  const listed = call.node.attributes.has('split') || isGiven(call, 1);
  const mayDiffer = call.node.attributes.has('num_outputs');
  const sizes = listed ? given : evenParts(data[axis]!, parts, mayDiffer);
  return Array.from({ length: parts }, (_, i) => data.with(axis, sizes?.[i] ?? null));
};

/** Equal parts, the last one smaller where the size does not divide (Split-18). */
function evenParts(size: Dim, parts: number, mayDiffer: boolean): Shape {
  const part = ceilDivide(size, parts);
  if (typeof size !== 'number' || typeof part !== 'number') {
    const whole = divideProducts([size], [parts]);
    const known = !mayDiffer || multiply(whole, parts) === size;
    return Array.from({ length: parts }, () => (known ? whole : null));
  }
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(part, size - i * part)));
}

const slice: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  if (!data) return undefined;
  const [starts, ends] = [intsOrInput(call, 'starts', 1), intsOrInput(call, 'ends', 2)];
  const listed = call.node.attributes.has('axes') || isGiven(call, 3);
  const axes = listed ? axesOf(call, 3, data.length) : (starts ?? ends)?.map((_, axis) => axis);
  if (!axes) return unknown(data.length);
  const steps = isGiven(call, 4) ? numbersOf(call, 4) : axes.map(() => 1);
  return data.map((size, axis) => {
    const i = axes.lastIndexOf(axis);
    return i < 0 ? size : sliced(size, starts?.[i] ?? null, ends?.[i] ?? null, steps?.[i]);
  });
};

/** What exporters write for an end beyond all sizes, at least. */
const NO_END = 2 ** 31 - 1;

/**
 * Length of one sliced axis, clamped as Slice-13 says. Bounds known only at run time are taken to lie
 * inside, as exporters write them; a number never comes of a size that could be shorter.
 */
function sliced(size: Dim, start: Dim, end: Dim, step: number | undefined): Dim {
  if (step === undefined || step === 0 || size === null) return null;
  if (typeof size === 'number' && typeof start === 'number' && typeof end === 'number') {
    const { from, to } = sliceBounds(size, start, end, step);
    return Math.max(0, Math.ceil((to - from) / step));
  }
  if (step === -1 && start === -1 && typeof end === 'number' && end <= -NO_END) return size;
  const toEnd = (typeof end === 'number' && end >= NO_END) || end === size;
  if (typeof end === 'number' && end <= -NO_END) return null;
  if (step !== 1 || (typeof end === 'number' && end >= 0 && !toEnd)) return null;
  if (typeof start === 'number' && start < 0) return null;
  if (typeof end === 'string' && typeof size === 'string' && !toEnd) return null;
  return subtract(toEnd ? size : fromFront(end, size), start);
}

function fromFront(index: Dim, size: Dim): Dim {
  return typeof index === 'number' && index < 0 ? add(size, index) : index;
}

export function sliceBounds(size: number, start: number, end: number, step: number) {
  const clamp = (index: number, low: number, high: number) =>
    Math.min(Math.max(index < 0 ? index + size : index, low), high);
  return step > 0
    ? { from: clamp(start, 0, size), to: clamp(end, 0, size) }
    : { from: clamp(start, 0, size - 1), to: clamp(end, -1, size - 1) };
}

const pad: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  if (!data) return undefined;
  const legacy = intsAttribute(call.node, 'paddings', undefined);
  const pads = legacy ?? intsOrInput(call, 'pads', 1);
  const axes = isGiven(call, 3) ? axesOf(call, 3, data.length) : [...data.keys()];
  if (!pads || !axes) return unknown(data.length);
  return data.map((size, axis) => {
    const i = axes.indexOf(axis);
    return i < 0 ? size : add(size, add(pads[i] ?? null, pads[i + axes.length] ?? null));
  });
};

const tile: ShapeRule = (call) => {
  const repeats = elementsOf(call, 1);
  return shapeOf(call, 0)?.map((size, axis) => multiply(size, repeats?.[axis] ?? null));
};

const expand: ShapeRule = (call) => {
  const [data, wanted] = [shapeOf(call, 0), elementsOf(call, 1)];
  const rank = lengthOf(call, 1);
  if (wanted) return broadcastShapes([data, wanted]);
  return data && rank !== undefined ? unknown(Math.max(rank, data.length)) : undefined;
};

/** Channels to blocks of pixels and back, by the factor each way. */
const depthToSpace: ShapeRule = (call) => blocks(call, (size, block) => multiply(size, block));
const spaceToDepth: ShapeRule = (call) =>
  blocks(call, (size, block) => divideProducts([size], [block]));

function blocks(call: Call, resize: (size: Dim, block: number) => Dim): Shape | undefined {
  const block = intAttribute(call.node, 'blocksize', 1);
  const [batch = null, channels = null, ...sizes] = shapeOf(call, 0) ?? [];
  const area = block * block;
  const toSpace = call.node.op === 'DepthToSpace';
  const depth = toSpace ? divideProducts([channels], [area]) : multiply(channels, area);
  return sizes.length === 2 ? [batch, depth, ...sizes.map((s) => resize(s, block))] : undefined;
}

const centerCropPad: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const wanted = elementsOf(call, 1);
  if (!data) return undefined;
  const axes = call.node.attributes.has('axes') ? axesOf(call, -1, data.length) : [...data.keys()];
  if (!axes) return unknown(data.length);
  return data.map((size, axis) =>
    axes.includes(axis) ? (wanted?.[axes.indexOf(axis)] ?? null) : size,
  );
};

/** Operators that move elements without computing with them. */
export const LAYOUT: Family = {
  single: [
    [reshape, 'Reshape'],
    [flatten, 'Flatten'],
    [transpose, 'Transpose'],
    [concat, 'Concat'],
    [squeeze, 'Squeeze'],
    [unsqueeze, 'Unsqueeze'],
    [slice, 'Slice'],
    [pad, 'Pad'],
    [tile, 'Tile'],
    [expand, 'Expand'],
    [depthToSpace, 'DepthToSpace'],
    [spaceToDepth, 'SpaceToDepth'],
    [centerCropPad, 'CenterCropPad'],
  ],
  several: [[split, 'Split']],
};
