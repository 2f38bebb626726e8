import { intAttribute, stringAttribute } from '../../ir/attributes.ts';
import type { Dim } from '../../ir/graph.ts';
import { add, divideProducts, multiply } from '../symbolic.ts';
import {
  broadcastShapes,
  type Family,
  isGiven,
  meet,
  type Shape,
  type ShapeRule,
  type ShapesRule,
  shapeOf,
} from './rule.ts';

/** A matrix product whose second factor is the input at this position (numpy.matmul). */
function matMul(second: number): ShapeRule {
  return (call) => productShape(shapeOf(call, 0), shapeOf(call, second));
}

export function productShape(a: Shape | undefined, b: Shape | undefined): Shape | undefined {
  if (!a || !b || a.length === 0 || b.length === 0) return undefined;
  const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)]) ?? [];
  const rows = a.length > 1 ? [a.at(-2)!] : [];
  const columns = b.length > 1 ? [b.at(-1)!] : [];
  return [...batch, ...rows, ...columns];
}

const gemm: ShapeRule = (call) => {
  const [a, b] = [shapeOf(call, 0), shapeOf(call, 1)];
  return [
    a?.[intAttribute(call.node, 'transA', 0) ? 1 : 0] ?? null,
    b?.[intAttribute(call.node, 'transB', 0) ? 0 : 1] ?? null,
  ];
};

const einsum: ShapeRule = (call) => {
  const equation = stringAttribute(call.node, 'equation', '').replace(/\s/g, '');
  const [left = '', right] = equation.split('->');
  const terms = left.split(',');
  const sizes = new Map<string, Dim>();
  const ellipses: Shape[] = [];
  for (const [i, term] of terms.entries()) {
    const shape = shapeOf(call, i);
    const letters = term.replace('...', '');
    if (!shape || shape.length < letters.length) return undefined;
    const before = term.includes('...') ? term.indexOf('...') : letters.length;
    const extra = shape.length - letters.length;
    if (term.includes('...')) ellipses.push(shape.slice(before, before + extra));
    for (const [j, letter] of [...letters].entries()) {
      const dim = shape[j < before ? j : j + extra]!;
      sizes.set(letter, meet(sizes.get(letter) ?? 1, dim));
    }
  }
  const middle = broadcastShapes(ellipses) ?? [];
  const out = right ?? implicitOutput(terms);
  return out
    .replace('...', '.')
    .split('')
    .flatMap((letter) => (letter === '.' ? middle : [sizes.get(letter) ?? null]));
};

/** Letters that occur once, in order, after what the ellipsis stands for. */
function implicitOutput(terms: readonly string[]): string {
  const letters = terms.join('').replaceAll('.', '').split('');
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter));
  return `${terms.some((term) => term.includes('...')) ? '...' : ''}${once.sort().join('')}`;
}

/** Y, present key and value, and the scores (ONNX Attention-23). */
const attention: ShapesRule = (call) => {
  const { node } = call;
  const [query, key, value] = [0, 1, 2].map((i) => shapeOf(call, i));
  if (!query || !key || !value) return [];
  const heads = intAttribute(node, 'q_num_heads', 0);
  const shared = intAttribute(node, 'kv_num_heads', 0);
  const [q, k, v] = [split(query, heads), split(key, shared), split(value, shared)];
  if (!q || !k || !v) return [];
  const past = isGiven(call, 4) ? (shapeOf(call, 4)?.[2] ?? null) : 0;
  const length = add(past, k[2]);
  const out = [q[0], q[1], q[2], v[3]] as const;
  return [
    query.length === 3 ? [out[0], out[2], multiply(out[1], out[3])] : out,
    [k[0], k[1], length, k[3]],
    [v[0], v[1], add(past, v[2]), v[3]],
    [q[0], q[1], q[2], length],
  ];
};

type Heads = readonly [batch: Dim, heads: Dim, length: Dim, size: Dim];

/** [batch, heads, length, size], also of a tensor that holds all heads side by side. */
function split(shape: Shape, heads: number): Heads | undefined {
  const [batch = null, second = null, third = null, fourth = null] = shape;
  if (shape.length === 4) return [batch, second, third, fourth];
  if (shape.length !== 3 || heads <= 0) return undefined;
  return [batch, heads, second, divideProducts([third], [heads])];
}

/** Products of matrices and tensors. */
export const PRODUCTS: Family = {
  single: [
    [matMul(1), 'MatMul MatMulInteger'],
    [matMul(3), 'QLinearMatMul'],
    [gemm, 'Gemm'],
    [einsum, 'Einsum'],
  ],
  several: [[attention, 'Attention']],
};
