import { intsAttribute, stringAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import { affineOf as affineOfNorm } from './conv-batchnorm.ts';
import type { GraphEditor } from './editor.ts';
import { rewritePass } from './rewrite.ts';
import { type Affine, foldBefore, perChannel, weightedOf } from './weighted.ts';

/**
 * Folds a normalization, or a product or sum with constants, into the Conv or Gemm that alone takes
 * it: what follows a pool or a Concat, or scales the model's input. Where the Conv pads, it does so
 * with zeros behind what is folded, so that a shift cannot pass.
 */
export const inputFusion = rewritePass(
  'input-fusion',
  ['BatchNormalization', 'Mul', 'Add'],
  (node, editor) => {
    const [output = ''] = node.outputs;
    const after = editor.soleTaker(output);
    if (!after || !isOp(after, 'Conv', 'Gemm') || after.inputs[0] !== output) return undefined;
    if (after.inputs.lastIndexOf(output) > 0) return undefined;
    const side = isOp(node, 'BatchNormalization') || !editor.constant(node.inputs[0]) ? 0 : 1;
    if (!isOp(node, 'BatchNormalization') && !editor.constant(node.inputs[1 - side]))
      return undefined;
    const reason = fold(node, side, after, editor);
    if (reason === undefined) return { did: `into ${after.op} ${JSON.stringify(after.name)}` };
    return { declined: `is not folded into ${after.op} ${JSON.stringify(after.name)}: ${reason}` };
  },
);

function fold(node: Node, side: number, after: Node, editor: GraphEditor): string | undefined {
  const weighted = weightedOf(after, editor);
  if (typeof weighted === 'string') return weighted;
  const input = node.inputs[side] ?? '';
  const shape = editor.shape(input);
  const axis = isOp(after, 'Gemm') ? -1 : 1 - weighted.weight.dims.length;
  if (shape?.length !== weighted.weight.dims.length || shape.at(axis) !== weighted.inputChannels) {
    return 'the channels of its input are not known';
  }
  const affine = affineOf(node, 1 - side, weighted.inputChannels, axis, editor);
  if (typeof affine === 'string') return affine;
  if (Array.from(affine.shift).some((n) => n !== 0) && pads(after)) return 'it pads with zeros';
  const reason = foldBefore(weighted, affine, editor);
  if (reason !== undefined) return reason;
  editor.setInputs(after, [input, ...after.inputs.slice(1)]);
  editor.remove(node);
  return undefined;
}

function affineOf(
  node: Node,
  side: number,
  channels: number,
  axis: number,
  editor: GraphEditor,
): Affine | string {
  if (isOp(node, 'BatchNormalization')) return affineOfNorm(node, channels, editor);
  const tensor = editor.constant(node.inputs[side]);
  const rank = axis === -1 ? 2 : 1 - axis;
  const numbers = tensor && tensor.dims.length <= rank && perChannel(tensor, channels, axis);
  if (!numbers) return 'its constant is not one number for each channel';
  const same = new Float64Array(channels);
  return isOp(node, 'Mul')
    ? { scale: numbers, shift: same }
    : { scale: same.fill(1), shift: numbers };
}

function pads(node: Node): boolean {
  if (!isOp(node, 'Conv')) return false;
  const mode = stringAttribute(node, 'auto_pad', 'NOTSET');
  if (mode === 'VALID') return false;
  return mode !== 'NOTSET' || intsAttribute(node, 'pads', []).some((pad) => pad !== 0);
}
