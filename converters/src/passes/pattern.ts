import { isOp, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { isFloat } from './weighted.ts';

/** The two inputs of a node of this operator, the one that is a constant of one number apart. */
export interface WithNumber {
  readonly node: Node;
  readonly value: string;
  readonly number: number;
}

/**
 * What computes `value` as `op` of another value and one number. Add and Mul take the number on
 * either side, others on the right.
 */
export function withNumber(
  value: string | undefined,
  op: string,
  editor: GraphEditor,
): WithNumber | undefined {
  const node = editor.producer(value);
  if (node === undefined || !isOp(node, op) || node.inputs.length !== 2) return undefined;
  const sides = op === 'Add' || op === 'Mul' ? [1, 0] : [1];
  for (const side of sides) {
    const number = editor.scalar(node.inputs[side]);
    const other = node.inputs[1 - side] ?? '';
    if (number === undefined || editor.constant(other) !== undefined) continue;
    if (addsAxes(node.inputs[side] ?? '', other, editor)) continue;
    return { node, value: other, number };
  }
  return undefined;
}

/** True where broadcasting with a constant may give a value more dimensions than it has. */
export function addsAxes(constant: string, value: string, editor: GraphEditor): boolean {
  const rank = editor.constant(constant)?.dims.length ?? 0;
  return rank > (editor.shape(value)?.length ?? 0);
}

/** `value` as a multiple of another: through Mul, or through Div by the inverse. */
export function multiple(value: string | undefined, editor: GraphEditor): WithNumber | undefined {
  const product = withNumber(value, 'Mul', editor);
  if (product !== undefined) return product;
  const quotient = withNumber(value, 'Div', editor);
  // A quotient of integers is rounded.
  if (!quotient || !isFloat(editor.constant(quotient.node.inputs[1]))) return undefined;
  return { ...quotient, number: 1 / quotient.number };
}

/** The two factors of a product of two values, in both orders. */
export function factors(node: Node): readonly (readonly [string, string])[] {
  const [a = '', b = ''] = node.inputs;
  return [
    [a, b],
    [b, a],
  ];
}

/** True where `a` is `b`, or what writing it in float16 or with four digits left of it. */
export function isNear(a: number | undefined, b: number): boolean {
  return a !== undefined && Math.abs(a - b) <= Math.min(1e-4, 2 ** -11 * Math.abs(b));
}

/** Why the nodes of a pattern cannot go: what one of them makes is seen from outside. Undefined where they can. */
export function whyKept(
  inner: readonly (Node | undefined)[],
  last: Node,
  editor: GraphEditor,
): string | undefined {
  const nodes = new Set([...inner, last]);
  for (const node of new Set(inner)) {
    if (node === undefined || node === last) continue;
    for (const name of node.outputs) {
      const outside = [...editor.takers(name)].some((taker) => !nodes.has(taker));
      if (editor.isOutput(name)) return `${JSON.stringify(name)} is an output, or to be kept`;
      if (outside) return `${JSON.stringify(name)} is used elsewhere too`;
    }
  }
  return undefined;
}

/** Puts one node in the place of a pattern, whose last node made the output. */
export function replacePattern(
  inner: readonly (Node | undefined)[],
  last: Node,
  replacement: Node,
  editor: GraphEditor,
): void {
  for (const node of new Set([...inner, last])) if (node !== undefined) editor.remove(node);
  editor.add(replacement);
}
