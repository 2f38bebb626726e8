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
  const reason = editor.seenElsewhere(value) ?? fold(node, before, constant, editor);
  if (reason !== undefined) {
    return {
      declined: `is not folded into ${before.op} ${JSON.stringify(before.name)}: ${reason}`,
    };
  }
  return { did: `into ${before.op} ${JSON.stringify(before.name)}` };
});

function fold(node: Node, before: Node, constant: string, editor: GraphEditor): string | undefined {
  const weighted = weightedOf(before, editor);
  if (typeof weighted === 'string') return weighted;
  const affine = affineOf(node, constant, weighted, editor);
  if (affine === undefined) return 'its constant is not one number for each channel';
  const reason = foldAfter(weighted, affine, editor);
  if (reason !== undefined) return reason;
  editor.remove(node);
  editor.setOutput(before, 0, node.outputs[0] ?? '');
  return undefined;
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
