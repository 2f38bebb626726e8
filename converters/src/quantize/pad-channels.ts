import { intAttribute } from '../ir/attributes.ts';
import { createNamer, indexGraph, type Namer, sortTopologically } from '../ir/edit.ts';
import { type Graph, isOp, makeNode, type Node } from '../ir/graph.ts';
import { elementCount, int64Tensor, makeTensor, type TensorValue } from '../ir/tensor.ts';
import { removeDeadCode } from '../passes/dead-code.ts';
import type { Int8Model } from './int8.ts';
import { ruleOf } from './op-rules.ts';

/** Integer kernels lay out and multiply this many bytes at a time. */
const MULTIPLE = 4;

/** Names of the convolutions whose channels are no multiple of four, as those of an image are not. */
export function thinConvolutions({ nodes, initializers }: Graph): string[] {
  const thin = nodes.filter((node) => lacking(node, initializers.get(node.inputs[1] ?? '')) > 0);
  return thin.map(({ name }) => name);
}

/** Channels that a dense convolution lacks to a multiple of four; 0 for any other node. */
function lacking(node: Node, weight: TensorValue | undefined): number {
  if (!isOp(node, 'Conv') || weight === undefined || intAttribute(node, 'group', 1) !== 1) return 0;
  const [, channels = 0] = weight.dims;
  return channels === 0 ? 0 : Math.ceil(channels / MULTIPLE) * MULTIPLE - channels;
}

/**
 * Gives integer convolutions of, say, three channels a fourth of zeros, with weights of zero for it:
 * not one result changes, and where kernels copy and multiply words of four bytes it takes a third
 * less time. The integers are padded, so that what makes them stays as it is. Behind an operator that
 * computes in integers itself the copy costs more than it gains: only what enters from floating point
 * is padded, as images are.
 *
 * @param quantized in QDQ form; its model is edited in place
 * @returns the same, without names of values that are there in their padded form only
 */
export function padChannels<T extends Pick<Int8Model, 'model' | 'renamed'>>(quantized: T): T {
  const { model } = quantized;
  const { graph } = model;
  const { producer } = indexGraph(graph);
  const namer = createNamer(graph);
  for (const node of [...graph.nodes]) {
    const [taken = '', weighted = ''] = node.inputs;
    const [activation, weights] = [producer.get(taken), producer.get(weighted)];
    const quantize = producer.get(activation?.inputs[0] ?? '');
    const weight = graph.initializers.get(weights?.inputs[0] ?? '');
    const isQuantized =
      isDequantize(activation) && isDequantize(weights) && isQuantize(quantize) && weight;
    const missing = lacking(node, weight);
    if (!isQuantized || weight.dtype !== 'int8' || missing === 0) continue;
    const maker = producer.get(quantize.inputs[0] ?? '');
    const computes = maker !== undefined && ruleOf(maker)?.kind !== 'passes';
    if (computes && maker.inputs.some((name) => isDequantize(producer.get(name)))) continue;
    const input = paddedInput(graph, activation, weight.dims.length, missing, namer);
    const padded = paddedWeights(graph, weights, widened(weight, missing), namer);
    node.inputs = [input, padded, ...node.inputs.slice(2)];
  }
  removeDeadCode(model);
  sortTopologically(graph);
  const there = new Set(graph.nodes.flatMap(({ outputs }) => outputs));
  const renamed = new Map([...quantized.renamed].filter(([, name]) => there.has(name)));
  return { ...quantized, renamed };
}

const isDequantize = (node: Node | undefined): node is Node =>
  node !== undefined && isOp(node, 'DequantizeLinear');
const isQuantize = (node: Node | undefined): node is Node =>
  node !== undefined && isOp(node, 'QuantizeLinear');

/** The same integers with more channels, all at the zero point. */
function paddedInput(
  graph: Graph,
  { inputs: [source = '', scale = '', zeroPoint = ''] }: Node,
  rank: number,
  missing: number,
  { fresh }: Namer,
): string {
  const [pads, padded] = [fresh(`${source}_pads`), fresh(`${source}_padded`)];
  const result = fresh(`${padded}_dequantized`);
  const amounts = new Array<number>(2 * rank).fill(0).with(rank + 1, missing);
  graph.initializers.set(pads, int64Tensor([2 * rank], amounts));
  graph.nodes.push(
    makeNode('Pad', fresh(`${padded}_node`), [source, pads, zeroPoint], [padded]),
    makeNode('DequantizeLinear', fresh(`${result}_node`), [padded, scale, zeroPoint], [result]),
  );
  return result;
}

function paddedWeights(
  graph: Graph,
  { inputs: [name = '', ...params], attributes }: Node,
  weight: TensorValue,
  { fresh }: Namer,
): string {
  const [padded, result] = [fresh(`${name}_padded`), fresh(`${name}_padded_dequantized`)];
  graph.initializers.set(padded, weight);
  graph.nodes.push(
    makeNode(
      'DequantizeLinear',
      fresh(`${result}_node`),
      [padded, ...params],
      [result],
      attributes,
    ),
  );
  return result;
}

/** int8 weights with further input channels, all zero. */
function widened({ dims, bytes }: TensorValue, missing: number): TensorValue {
  const [outputs = 0, channels = 0, ...kernel] = dims;
  const size = elementCount({ dims: kernel });
  const [row, wide] = [channels * size, (channels + missing) * size];
  const data = new Int8Array(outputs * wide);
  for (let output = 0; output < outputs; output++) {
    data.set(bytes.subarray(output * row, (output + 1) * row), output * wide);
  }
  return makeTensor('int8', [outputs, channels + missing, ...kernel], data);
}
