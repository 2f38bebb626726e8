import { isOp, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { rewritePass } from './rewrite.ts';
import {
  type Affine,
  foldAfter,
  perChannel,
  WEIGHTED,
  type Weighted,
  weightedOf,
} from './weighted.ts';

/**
 * Folds a product or sum with constants, one for each channel, into the weights and bias of the Conv,
 * ConvTranspose, Gemm or MatMul before it.
 */
export const affineFusion = rewritePass('affine-fusion', ['Add', 'Mul'], (node, editor) => {
  const side = node.inputs.findIndex((name) => isOp(editor.producer(name) ?? node, ...WEIGHTED));
  const [value = '', constant = ''] = [node.inputs[side], node.inputs[1 - side]];
  const before = editor.producer(value);
  if (side < 0 || before === undefined || !editor.constant(constant)) return undefined;
  const target = `into ${before.op} ${JSON.stringify(before.name)}`;
  const seen = editor.seenElsewhere(value);
  const folded = seen ?? fold(node, before, constant, editor);
  if (typeof folded === 'string') return { declined: `is not folded ${target}: ${folded}` };
  return { did: folded === 1 ? target : `${target}, with ${folded - 1} behind it` };
});

/** How many were folded, or why none can be. */
function fold(node: Node, before: Node, constant: string, editor: GraphEditor): number | string {
  const weighted = weightedOf(before, editor);
  if (typeof weighted === 'string') return weighted;
  const affine = affineOf(node, constant, weighted, editor);
  if (affine === undefined) return 'its constant is not one number for each channel';
  const run = runFrom(node, affine, weighted, editor);
  const reason = foldAfter(weighted, run.affine, editor);
  if (reason !== undefined) return reason;
  for (const each of run.nodes) editor.remove(each);
  editor.setOutput(before, 0, run.nodes.at(-1)?.outputs[0] ?? '');
  return run.nodes.length;
}

interface Run {
  readonly nodes: readonly Node[];
  /** What they do together. */
  readonly affine: Affine;
}

/** Products and sums one after another: weights are gone through once for all of them. */
function runFrom(node: Node, first: Affine, weighted: Weighted, editor: GraphEditor): Run {
  const nodes = [node];
  let affine = first;
  for (let value = node.outputs[0] ?? ''; ; value = nodes.at(-1)?.outputs[0] ?? '') {
    const next = editor.soleTaker(value);
    if (next === undefined || !isOp(next, 'Add', 'Mul')) break;
    const constant = next.inputs[1 - next.inputs.indexOf(value)] ?? '';
    const second = affineOf(next, constant, weighted, editor);
    const both = second && combined(affine, second);
    if (both === undefined || (!weighted.takesBias && both.shift.some((n) => n !== 0))) break;
    affine = both;
    nodes.push(next);
  }
  return { nodes, affine };
}

/** One after the other; undefined where their numbers leave the range of float32. */
function combined(first: Affine, second: Affine) {
  const scale = Float64Array.from(second.scale, (n, c) => n * first.scale[c]!);
  const shift = Float64Array.from(second.shift, (n, c) => n + second.scale[c]! * first.shift[c]!);
  const fits = (n: number) => Math.abs(n) < 2 ** 126;
  return scale.every(fits) && shift.every(fits) ? { scale, shift } : undefined;
}

function affineOf(
  node: Node,
  constant: string,
  { node: before, weight, channels }: Weighted,
  editor: GraphEditor,
): Affine | undefined {
  const matrix = isOp(before, 'Gemm', 'MatMul');
  const tensor = editor.constant(constant);
  const rank = isOp(before, 'MatMul')
    ? (editor.shape(before.inputs[0])?.length ?? 1)
    : weight.dims.length;
  if (!tensor || tensor.dtype !== weight.dtype || tensor.dims.length > rank) return undefined;
  const numbers = perChannel(tensor, channels, matrix ? -1 : 1 - rank);
  if (numbers === undefined) return undefined;
  const same = new Float64Array(channels);
  return isOp(node, 'Mul')
    ? { scale: numbers, shift: same }
    : { scale: same.fill(1), shift: numbers };
}
