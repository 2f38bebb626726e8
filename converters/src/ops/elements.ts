import { tensorAttribute } from '../ir/attributes.ts';
import type { DataType } from '../ir/dtype.ts';
import type { Dim } from '../ir/graph.ts';
import { elementCount, isNumeric, type TensorValue, toNumbers } from '../ir/tensor.ts';
import { ARITHMETIC, inType } from './element-arithmetic.ts';
import { shapeSlice } from './shapes/indexing.ts';
import { sliceBounds } from './shapes/layout.ts';
import { axesOf, type Call, elementsOf, numbersOf, shapeOf } from './shapes/rule.ts';
import { product } from './symbolic.ts';

type Elements = readonly Dim[];
type ElementRule = (call: Call, dtype: DataType) => Elements | undefined;

/** Longest list that is followed: shapes, pads and scales are far shorter. */
const MAX_ELEMENTS = 128;

/** The elements of a short constant; undefined for other constants. */
export function elementsOfConstant(tensor: TensorValue): Elements | undefined {
  const short = tensor.dims.length <= 1 && elementCount(tensor) <= MAX_ELEMENTS;
  return short && isNumeric(tensor.dtype) ? Array.from(toNumbers(tensor)) : undefined;
}

const same: ElementRule = (call) => elementsOf(call, 0);

const shape: ElementRule = (call) => {
  const data = shapeOf(call, 0);
  return data && shapeSlice(call, data);
};

const size: ElementRule = (call) => {
  const data = shapeOf(call, 0);
  return data && [product(data)];
};

const cast: ElementRule = (call, dtype) =>
  elementsOf(call, 0)?.map((element) => {
    if (typeof element !== 'number') return dtype === 'bool' ? null : inType(dtype, element);
    if (dtype === 'bool') return element === 0 ? 0 : 1;
    return inType(dtype, dtype.startsWith('float') ? element : Math.trunc(element));
  });

const gather: ElementRule = (call) => {
  const [data, indices] = [elementsOf(call, 0), elementsOf(call, 1)];
  if (shapeOf(call, 0)?.length !== 1) return undefined;
  return indices?.map((i) => (typeof i === 'number' ? (data?.at(i) ?? null) : null));
};

const slice: ElementRule = (call) => {
  const data = elementsOf(call, 0);
  const [start, end] = [numbersOf(call, 1)?.[0], numbersOf(call, 2)?.[0]];
  const [step = 1] = numbersOf(call, 4) ?? [];
  const axes = call.node.inputs[3] ? axesOf(call, 3, 1) : [0];
  if (!data || start === undefined || end === undefined || !axes || step === 0) return undefined;
  if (call.node.inputs[4] && !numbersOf(call, 4)) return undefined;
  const { from, to } = sliceBounds(data.length, start, end, step);
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, i) => data[from + i * step] ?? null);
};

const concat: ElementRule = ({ inputs }) => {
  const parts = inputs.map(({ elements, shape }) => elements ?? unknownElements(shape));
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined;
};

/** As many elements as the shape says, of which nothing is known. */
function unknownElements(shape: readonly Dim[] | undefined): Elements | undefined {
  const count = shape?.length === 1 ? shape[0] : undefined;
  if (typeof count !== 'number' || count > MAX_ELEMENTS) return undefined;
  return Array.from({ length: count }, () => null);
}

const constantOfShape: ElementRule = (call, dtype) => {
  const count = product(elementsOf(call, 0) ?? [null]);
  if (typeof count !== 'number' || count > MAX_ELEMENTS) return undefined;
  const fill = tensorAttribute(call.node, 'value');
  if (fill && !isNumeric(fill.dtype)) return undefined;
  const value = inType(dtype, fill ? (toNumbers(fill)[0] ?? null) : 0);
  return Array.from({ length: count }, () => value);
};

const range: ElementRule = (call, dtype) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => numbersOf(call, i)?.[0]);
  if (start === undefined || limit === undefined || !delta) return undefined;
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!(count <= MAX_ELEMENTS) || dtype.startsWith('float')) return undefined;
  return Array.from({ length: count }, (_, i) => inType(dtype, start + i * delta));
};

const expand: ElementRule = (call) => {
  const data = elementsOf(call, 0);
  const count = product(elementsOf(call, 1) ?? [null]);
  if (data?.length !== 1 || typeof count !== 'number' || count > MAX_ELEMENTS) {
    return count === 1 || count === data?.length ? data : undefined;
  }
  return Array.from({ length: count }, () => data[0]!);
};

const tile: ElementRule = (call) => {
  const data = elementsOf(call, 0);
  const times = numbersOf(call, 1)?.[0] ?? NaN;
  if (!data || !(times * data.length <= MAX_ELEMENTS)) return undefined;
  return Array.from({ length: times }, () => data).flat();
};

const where: ElementRule = (call) => {
  const [condition, yes, no] = [0, 1, 2].map((i) => elementsOf(call, i));
  if (!condition || !yes || !no) return undefined;
  const length = Math.max(condition.length, yes.length, no.length);
  return Array.from({ length }, (_, i) => {
    const [a, b] = [yes[i % yes.length] ?? null, no[i % no.length] ?? null];
    const chosen = condition[i % condition.length] ?? null;
    if (chosen === null || typeof chosen === 'string') return a === b ? a : null;
    return chosen === 0 ? b : a;
  });
};

const constant: ElementRule = ({ node }) => {
  const value = tensorAttribute(node, 'value');
  if (value) return elementsOfConstant(value);
  for (const name of ['value_int', 'value_ints', 'value_float', 'value_floats']) {
    const given = node.attributes.get(name);
    if (given?.kind === 'int' || given?.kind === 'float') return [Number(given.value)];
    if (given?.kind === 'ints' || given?.kind === 'floats') return Array.from(given.value, Number);
  }
  return undefined;
};

const RULES: Readonly<Record<string, ElementRule>> = {
  ...ARITHMETIC,
  Cast: cast,
  CastLike: cast,
  Concat: concat,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Expand: expand,
  Flatten: same,
  Gather: gather,
  Identity: same,
  Range: range,
  Reshape: same,
  Shape: shape,
  Size: size,
  Slice: slice,
  Squeeze: same,
  Tile: tile,
  Unsqueeze: same,
  Where: where,
};

/**
 * The elements of a node's outputs, where they are short lists that follow from shapes and short
 * constants. `types` and `shapes` are those of the outputs.
 */
export function inferElements(
  call: Call,
  types: readonly (DataType | undefined)[],
  shapes: readonly (readonly Dim[] | undefined)[],
): readonly (Elements | undefined)[] {
  if (call.node.domain !== '') return [];
  if (call.node.op === 'Split') return splitElements(call, shapes);
  const rule = Object.hasOwn(RULES, call.node.op) ? RULES[call.node.op] : undefined;
  const [dtype, shape] = [types[0], shapes[0]];
  if (!rule || !dtype || !shape || shape.length > 1) return [];
  const elements = rule(call, dtype);
  if (!elements || elements.length > MAX_ELEMENTS) return [];
  const [length = 1] = shape;
  return length === null || length === elements.length ? [elements] : [];
}

function splitElements(
  call: Call,
  shapes: readonly (readonly Dim[] | undefined)[],
): readonly (Elements | undefined)[] {
  const elements = elementsOf(call, 0);
  let start = 0;
  return shapes.map((shape) => {
    const length = shape?.length === 1 && typeof shape[0] === 'number' ? shape[0] : NaN;
    const part = Number.isNaN(start + length) ? undefined : elements?.slice(start, start + length);
    start += length;
    return part;
  });
}
