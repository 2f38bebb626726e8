import { intAttribute, intsAttribute, tensorAttribute } from '../../ir/attributes.ts';
import type { Dim } from '../../ir/graph.ts';
import { ceilDivide, subtract } from '../symbolic.ts';
import {
  axisOf,
  type Call,
  elementsOf,
  type Family,
  front,
  lengthOf,
  type Shape,
  type ShapeRule,
  type ShapesRule,
  shapeOf,
  unknown,
} from './rule.ts';

const gather: ShapeRule = (call) => {
  const [data, indices] = [shapeOf(call, 0), shapeOf(call, 1)];
  const axis = data && axisOf(call.node, 0, data.length);
  if (!data || !indices || axis === undefined) return undefined;
  return [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
};

const likeIndices: ShapeRule = (call) => shapeOf(call, 1);

const gatherND: ShapeRule = (call) => {
  const [data, indices] = [shapeOf(call, 0), shapeOf(call, 1)];
  const depth = indices?.at(-1);
  if (!data || !indices || typeof depth !== 'number') return undefined;
  const batch = intAttribute(call.node, 'batch_dims', 0);
  return [...indices.slice(0, -1), ...data.slice(batch + depth)];
};

const topK: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  const axis = data && axisOf(call.node, -1, data.length);
  if (!data || axis === undefined) return [];
  const k = intAttribute(call.node, 'k', undefined) ?? elementsOf(call, 1)?.[0] ?? null;
  const shape = data.with(axis, k);
  return [shape, shape];
};

const oneHot: ShapeRule = (call) => {
  const indices = shapeOf(call, 0);
  if (!indices) return undefined;
  const axis = front(intAttribute(call.node, 'axis', -1), indices.length + 1);
  return indices.toSpliced(axis, 0, elementsOf(call, 1)?.[0] ?? null);
};

const compress: ShapeRule = (call) => {
  if (!call.node.attributes.has('axis')) return [null];
  const data = shapeOf(call, 0);
  const axis = data && axisOf(call.node, 0, data.length);
  return axis === undefined ? undefined : data?.with(axis, null);
};

const unique: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  const count = [null];
  if (!call.node.attributes.has('axis')) return [count, count, count, count];
  const axis = data && axisOf(call.node, 0, data.length);
  if (!data || axis === undefined) return [undefined, count, count, count];
  return [data.with(axis, null), count, [data[axis]!], count];
};

const nonZero: ShapeRule = (call) => [shapeOf(call, 0)?.length ?? null, null];

const shape: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  return [data === undefined ? null : shapeSlice(call, data).length];
};

/** The part of a shape that Shape-15 gives. */
export function shapeSlice({ node }: Call, data: Shape): Shape {
  return data.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', data.length));
}

const constantOfShape: ShapeRule = (call) => {
  const rank = lengthOf(call, 0);
  return elementsOf(call, 0) ?? (rank === undefined ? undefined : unknown(rank));
};

const range: ShapeRule = (call) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => elementsOf(call, i)?.[0] ?? null);
  return [steps(start!, limit!, delta!)];
};

function steps(start: Dim, limit: Dim, delta: Dim): Dim {
  const count = ceilDivide(subtract(limit, start), delta);
  return typeof count === 'number' ? Math.max(0, count) : count;
}

const constant: ShapeRule = ({ node }) => {
  const value = tensorAttribute(node, 'value');
  if (value !== undefined) return value.dims;
  const list = ['value_floats', 'value_ints', 'value_strings'].map((name) =>
    node.attributes.get(name),
  );
  const found = list.find((attribute) => attribute !== undefined);
  if (found?.kind === 'floats' || found?.kind === 'ints' || found?.kind === 'strings') {
    return [found.value.length];
  }
  const single = ['value_float', 'value_int', 'value_string'];
  return single.some((name) => node.attributes.has(name)) ? [] : undefined;
};

const ngrams: ShapeRule = (call) => {
  const columns = intsAttribute(call.node, 'ngram_indexes', []);
  const count = columns.reduce((max, column) => Math.max(max, column), -1) + 1;
  return shapeOf(call, 0)?.slice(0, -1).concat(count);
};

const normalizedStrings: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const drops = call.node.attributes.has('stopwords');
  return drops ? data?.map((dim, axis) => (axis === data.length - 1 ? null : dim)) : data;
};

const splitStrings: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  return [data && [...data, null], data];
};

const windowFunction: ShapeRule = (call) => [elementsOf(call, 0)?.[0] ?? null];

/** Detections: batch, class and box of each; how many is known only at run time. */
const detections: ShapeRule = () => [null, 3];

const det: ShapeRule = (call) => shapeOf(call, 0)?.slice(0, -2);

const sized: ShapeRule = () => [];

/** Operators whose shapes follow from indices and counts, and those that make values from nothing. */
export const INDEXING: Family = {
  single: [
    [gather, 'Gather'],
    [likeIndices, 'GatherElements'],
    [gatherND, 'GatherND'],
    [oneHot, 'OneHot'],
    [compress, 'Compress'],
    [nonZero, 'NonZero'],
    [shape, 'Shape'],
    [sized, 'Size SequenceLength OptionalHasElement'],
    [constantOfShape, 'ConstantOfShape'],
    [range, 'Range'],
    [constant, 'Constant'],
    [ngrams, 'TfIdfVectorizer'],
    [normalizedStrings, 'StringNormalizer'],
    [windowFunction, 'BlackmanWindow HammingWindow HannWindow'],
    [detections, 'NonMaxSuppression'],
    [det, 'Det'],
  ],
  several: [
    [topK, 'TopK'],
    [unique, 'Unique'],
    [splitStrings, 'StringSplit'],
  ],
};
