import { isFlotillaError } from '@flotilla/protocol';
import { int } from '../ir/attributes.ts';
import { allGraphs, createNamer, type GraphIndex, indexGraph, type Namer } from '../ir/edit.ts';
import {
  cloneModel,
  type Graph,
  isOp,
  type Model,
  makeNode,
  type Node,
  opsetOf,
} from '../ir/graph.ts';
import { float32Tensor, makeTensor, type TensorValue, toFloats } from '../ir/tensor.ts';
import { removeDeadCode } from '../passes/dead-code.ts';
import { opsetUpgrade } from '../passes/opset-upgrade.ts';
import { runPassList } from '../passes/pass.ts';
import {
  type ConstantProduct,
  constantProduct,
  type Matrix,
  matrixOf,
} from './constant-products.ts';
import { type Constants, constantsOf } from './constants.ts';
import type { WeightOnlyModel } from './dynamic.ts';
import { impossible, nothingToQuantize, type Skipped } from './impossible.ts';
import { type BlockCode, encode, fitBlock, SIGNED, UNSIGNED } from './int4-block.ts';
import { sameNames } from './same-names.ts';
import type { Int4Scheme } from './scheme.ts';

/** 4-bit tensors and scales by block begin here. */
export const INT4_OPSET = 21;

/**
 * Constant weights of MatMul and Gemm in 4 bits, with a scale (and a zero point, where not
 * symmetric) for each block of `blockSize` inputs of each output; the last block may be shorter.
 * Written as blocked DequantizeLinear → MatMul, which every runtime of opset 21 can run and ONNX
 * Runtime turns into MatMulNBits. The model is raised to opset 21; for a target that ends before it
 * there is no form, since runtimes of that time know com.microsoft MatMulNBits in part or not at all.
 *
 * @param model float32; it is not changed
 * @throws FlotillaError `quantize.impossible` where a node cannot be raised to that opset, or there
 * are no such weights
 */
export async function quantizeInt4(model: Model, scheme: Int4Scheme): Promise<WeightOnlyModel> {
  const copy = cloneModel(model);
  await raiseOpset(copy);
  const { integerNodes, skipped } = rewriteGraphs(copy, scheme);
  if (integerNodes === 0) {
    throw nothingToQuantize('int4', 'no MatMul or Gemm has weights for it', skipped);
  }
  removeDeadCode(copy);
  const renamed = sameNames(model.graph, copy.graph);
  return { model: copy, renamed, integerNodes, skipped, warnings: [] };
}

async function raiseOpset(model: Model): Promise<void> {
  const opset = opsetOf(model);
  const begins = `4-bit weights begin with opset ${INT4_OPSET}`;
  try {
    await runPassList(model, [opsetUpgrade], { opset: INT4_OPSET });
  } catch (error) {
    if (!isFlotillaError(error, 'model.opset-unsupported')) throw error;
    const { node, op, reason } = error.context;
    throw impossible(
      'int4',
      `${begins}, and ${op} ${JSON.stringify(node)} of opset ${opset} cannot be raised to it: ${reason}`,
    );
  }
}

function rewriteGraphs(model: Model, scheme: Int4Scheme) {
  const scopes = constantsOf(model.graph);
  const namer = createNamer(model.graph);
  const float = new Set(scheme.float);
  const skipped: Skipped[] = [];
  let integerNodes = 0;
  const rewrite =
    (graph: Graph, constants: Constants) =>
    (node: Node): readonly Node[] => {
      const product = float.has(node.name) ? undefined : constantProduct(node, constants);
      if (typeof product === 'string') skipped.push({ node: node.name, reason: product });
      if (product === undefined || typeof product === 'string') return [node];
      integerNodes++;
      return blockedProduct(node, product, graph, namer, scheme);
    };
  for (const graph of allGraphs(model.graph)) {
    const constants = scopes.get(graph)!;
    graph.nodes = graph.nodes.flatMap(rewrite(graph, constants));
    keepApart(graph, constants, namer);
  }
  return { integerNodes, skipped };
}

/** Each product has constants of its own: shared ones keep ONNX Runtime from making MatMulNBits. */
function blockedProduct(
  node: Node,
  product: ConstantProduct,
  graph: Graph,
  namer: Namer,
  scheme: Int4Scheme,
): Node[] {
  const { input, weightName, bias } = product;
  const tensors = quantizeBlocks(matrixOf(product), scheme);
  const constants = Object.entries(tensors).map(([suffix, tensor]) => {
    const name = namer.fresh(`${weightName}_${suffix}`);
    graph.initializers.set(name, tensor);
    return name;
  });
  const [output = ''] = node.outputs;
  const weights = namer.fresh(`${weightName}_dequantized`);
  const made = bias === '' ? output : namer.fresh(`${output}_product`);
  const name = (suffix: string) => namer.fresh(`${node.name}_${suffix}`);
  const blocks = [
    ['axis', int(0)],
    ['block_size', int(scheme.blockSize)],
  ] as const;
  return [
    makeNode('DequantizeLinear', name('weights'), constants, [weights], blocks),
    makeNode('MatMul', bias === '' ? node.name : name('product'), [input, weights], [made]),
    ...(bias === '' ? [] : [makeNode('Add', node.name, [made, bias], [output])]),
  ];
}

/**
 * Adds of a constant to such a product become a subtraction of its negative, which is the same:
 * ONNX Runtime would take MatMul, Add and Relu together and leave the weights to be dequantized in
 * each run (seven times the time of fp32).
 */
function keepApart(graph: Graph, constants: Constants, namer: Namer): void {
  const { producer, consumers } = indexGraph(graph);
  for (const node of graph.nodes) {
    if (!isOp(node, 'Add')) continue;
    const [product, bias] = isBlocked(node.inputs[0], producer) ? [0, 1] : [1, 0];
    const name = node.inputs[bias] ?? '';
    const constant = constants.get(name)?.tensor;
    const made = node.inputs[product] ?? '';
    if (!isBlocked(made, producer) || consumers.get(made)?.length !== 1) continue;
    if (constant?.dtype !== 'float32') continue;
    const negative = namer.fresh(`${name}_negative`);
    const values = toFloats(constant).map((value) => -value);
    graph.initializers.set(negative, float32Tensor(constant.dims, values));
    node.op = 'Sub';
    node.inputs = [made, negative];
  }
}

function isBlocked(value: string | undefined, producer: GraphIndex['producer']): boolean {
  const product = producer.get(value ?? '');
  const weights =
    product && isOp(product, 'MatMul') ? producer.get(product.inputs[1] ?? '') : undefined;
  return weights?.attributes.has('block_size') ?? false;
}

/** Codes [K, N], and scales and zero points [⌈K / blockSize⌉, N]. */
function quantizeBlocks(
  { rows, columns, at }: Matrix,
  { blockSize, symmetric }: Int4Scheme,
): Record<string, TensorValue> {
  const [type, range] = symmetric ? (['int4', SIGNED] as const) : (['uint4', UNSIGNED] as const);
  const blocks = Math.ceil(rows / blockSize);
  const codes = new Uint8Array(rows * columns);
  const scales = new Float32Array(blocks * columns);
  const zeroPoints = new Uint8Array(blocks * columns);
  for (let block = 0; block < blocks; block++) {
    const start = block * blockSize;
    const weights = new Float64Array(Math.min(blockSize, rows - start));
    for (let column = 0; column < columns; column++) {
      for (let i = 0; i < weights.length; i++) weights[i] = at(start + i, column);
      const code: BlockCode = fitBlock(weights, symmetric);
      weights.forEach((weight, i) => {
        codes[(start + i) * columns + column] = encode(weight, code, range);
      });
      scales[block * columns + column] = code.scale;
      zeroPoints[block * columns + column] = code.zeroPoint;
    }
  }
  const dims = [blocks, columns];
  return {
    [type]: makeTensor(type, [rows, columns], packNibbles(codes)),
    scale: float32Tensor(dims, scales),
    ...(symmetric ? {} : { zero_point: makeTensor(type, dims, packNibbles(zeroPoints)) }),
  };
}

/** Two elements a byte, the first in the low half, as ONNX lays 4-bit tensors out. */
function packNibbles(codes: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(codes.length / 2));
  codes.forEach((code, i) => {
    bytes[i >> 1]! |= (code & 15) << (4 * (i & 1));
  });
  return bytes;
}
