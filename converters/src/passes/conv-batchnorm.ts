import { floatAttribute, intAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import { elementCount } from '../ir/tensor.ts';
import type { GraphEditor } from './editor.ts';
import { rewritePass } from './rewrite.ts';
import { type Affine, foldAfter, isFloat, WEIGHTED, weightedOf } from './weighted.ts';

/**
 * Folds BatchNormalization into the Conv, ConvTranspose, Gemm or MatMul before it: w' = w·s,
 * b' = (b − mean)·s + beta with s = scale / √(var + ε) per output channel. Only where nobody else
 * sees the operator's output. A quantized Conv that a BatchNormalization follows stays in fp32 in
 * ONNX Runtime, so this comes before quantization.
 */
export const convBatchNorm = rewritePass(
  'conv-batchnorm',
  ['BatchNormalization'],
  (norm, editor) => {
    const [input = ''] = norm.inputs;
    const before = editor.producer(input);
    if (before === undefined || !isOp(before, ...WEIGHTED)) return undefined;
    const reason = editor.seenElsewhere(input) ?? fold(norm, before, editor);
    if (reason !== undefined) return { declined: `stays: ${reason}` };
    return { did: `into ${before.op} ${JSON.stringify(before.name)}` };
  },
);

/** Folds one pair, or says why it cannot be. */
function fold(norm: Node, before: Node, editor: GraphEditor): string | undefined {
  const weighted = weightedOf(before, editor);
  if (typeof weighted === 'string') return weighted;
  const affine = affineOf(norm, weighted.channels, editor);
  if (typeof affine === 'string') return affine;
  if (isOp(before, 'MatMul') && editor.shape(before.outputs[0])?.length !== 2) {
    return 'channels of the product are not in the second axis';
  }
  const reason = foldAfter(weighted, affine, editor);
  if (reason !== undefined) return reason;
  editor.remove(norm);
  editor.setOutput(before, 0, norm.outputs[0] ?? '');
  return undefined;
}

/** What a normalization at inference does to each channel, or in words why that is not known. */
export function affineOf(norm: Node, channels: number, editor: GraphEditor): Affine | string {
  if (norm.outputs.slice(1).some((name) => name !== '') || intAttribute(norm, 'training_mode', 0)) {
    return 'it is in training mode';
  }
  const tensors = norm.inputs.slice(1, 5).map((name) => editor.constant(name));
  if (tensors.length < 4 || tensors.includes(undefined)) return 'its parameters are not constant';
  if (!tensors.every((each) => isFloat(each) && elementCount(each) === channels)) {
    return 'its parameters are not floats, one for each channel';
  }
  const [gamma, beta, mean, variance] = norm.inputs
    .slice(1, 5)
    .map((name) => editor.numbers(name)!);
  const epsilon = floatAttribute(norm, 'epsilon', Math.fround(1e-5));
  const scale = gamma!.map((g, c) => g / Math.sqrt(variance![c]! + epsilon));
  return { scale, shift: beta!.map((b, c) => b - mean![c]! * scale[c]!) };
}
