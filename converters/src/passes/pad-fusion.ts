import { int, intAttribute, ints, intsAttribute, stringAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { rewritePass } from './rewrite.ts';

/**
 * Folds a Pad of the image's edges into the Conv, MaxPool or AveragePool that alone takes it, where
 * that pads with the same: zeros for Conv and AveragePool, nothing that could win for MaxPool.
 */
export const padFusion = rewritePass('pad-fusion', ['Pad'], (pad, editor) => {
  const [output = ''] = pad.outputs;
  const after = editor.soleTaker(output);
  if (!after || !isOp(after, 'Conv', 'MaxPool', 'AveragePool') || after.inputs[0] !== output) {
    return undefined;
  }
  if (after.inputs.lastIndexOf(output) > 0) return undefined;
  const amounts = imagePads(pad, editor);
  const reason =
    typeof amounts === 'string' ? amounts : (whyNot(pad, after, editor) ?? fold(after, amounts));
  if (reason !== undefined) {
    return { declined: `is not folded into ${after.op} ${JSON.stringify(after.name)}: ${reason}` };
  }
  editor.setInputs(after, [pad.inputs[0] ?? '', ...after.inputs.slice(1)]);
  editor.remove(pad);
  return { did: `into ${after.op} ${JSON.stringify(after.name)}` };
});

/** Padding of the spatial axes, all begins and then all ends; or why it is not such. */
function imagePads(pad: Node, editor: GraphEditor): readonly number[] | string {
  const mode = stringAttribute(pad, 'mode', 'constant');
  const amounts = editor.numbers(pad.inputs[1]);
  const rank = editor.shape(pad.inputs[0])?.length;
  if (mode !== 'constant') return `it pads by ${mode}`;
  if (amounts === undefined) return 'its padding is not constant';
  if (rank === undefined || rank < 3) return 'the rank of its input is not known';
  const axes = pad.inputs[3]
    ? editor.numbers(pad.inputs[3])
    : Array.from({ length: rank }, (_, i) => i);
  if (axes === undefined || axes.length * 2 !== amounts.length) return 'its axes are not constant';
  const all = new Array<number>(2 * rank).fill(0);
  for (const [i, axis] of Array.from(axes).entries()) {
    const at = axis < 0 ? axis + rank : axis;
    if (at < 0 || at >= rank) return 'it names an axis that is not there';
    all[at]! += amounts[i]!;
    all[at + rank]! += amounts[i + axes.length]!;
  }
  if (all.some((n) => n < 0)) return 'it cuts';
  if (all[0] || all[1] || all[rank] || all[rank + 1]) return 'it pads batch or channels';
  return [...all.slice(2, rank), ...all.slice(rank + 2)];
}

/** Why the operator behind would not pad with what Pad pads with. */
function whyNot(pad: Node, after: Node, editor: GraphEditor): string | undefined {
  const auto = stringAttribute(after, 'auto_pad', 'NOTSET');
  if (auto !== 'NOTSET' && auto !== 'VALID') return `that pads by itself (${auto})`;
  const value = pad.inputs[2] ? editor.scalar(pad.inputs[2]) : 0;
  if (value === undefined) return 'the value it pads with is not constant';
  const [input = ''] = pad.inputs;
  if (isOp(after, 'MaxPool')) {
    if (after.outputs[1]) return 'that tells where in the padded image the largest are';
    if (intAttribute(after, 'ceil_mode', 0)) return 'that rounds its size up';
    if (value <= -LARGEST || (value === 0 && isNotNegative(input, editor))) return undefined;
    return `what it pads with, ${value}, could be the largest`;
  }
  if (value !== 0) return `it pads with ${value}, that with 0`;
  if (!isOp(after, 'AveragePool')) return undefined;
  if (intAttribute(after, 'ceil_mode', 0)) return 'that rounds its size up';
  const counts = intAttribute(after, 'count_include_pad', 0) === 1;
  const own = intsAttribute(after, 'pads', []).some((n) => n !== 0);
  return own && !counts ? 'that leaves its own padding out of the mean' : undefined;
}

const LARGEST = 3.4028234663852886e38;

/** True for what ends with an activation that lets no negative value through. */
function isNotNegative(value: string, editor: GraphEditor): boolean {
  let node = editor.producer(value);
  while (node && isOp(node, 'MaxPool')) node = editor.producer(node.inputs[0]);
  if (node === undefined) return false;
  if (isOp(node, 'Relu', 'Sigmoid', 'Softmax', 'HardSigmoid')) return true;
  return isOp(node, 'Clip') && (editor.scalar(node.inputs[1]) ?? -1) >= 0;
}

function fold(after: Node, amounts: readonly number[]): string | undefined {
  const rank = amounts.length / 2;
  const own = intsAttribute(after, 'pads', new Array<number>(2 * rank).fill(0));
  const sum = amounts.map((n, i) => n + (own[i] ?? 0));
  const kernel = intsAttribute(after, 'kernel_shape', []);
  const pools = isOp(after, 'MaxPool', 'AveragePool');
  if (pools && sum.some((n, i) => n >= (kernel[i % rank] ?? 0))) {
    return 'padding as large as the window is not allowed there';
  }
  after.attributes.delete('auto_pad');
  after.attributes.set('pads', ints(sum));
  if (isOp(after, 'AveragePool')) after.attributes.set('count_include_pad', int(1));
  return undefined;
}
