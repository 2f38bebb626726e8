import type { Runtime, Tensors } from '@flotilla/model';
import type { Precision } from '@flotilla/protocol';
import type { CostKind, TargetProfile } from '@flotilla/targets';
import { writeOnnx } from '../formats/onnx/write.ts';
import { intAttribute, intsAttribute } from '../ir/attributes.ts';
import { createNamer } from '../ir/edit.ts';
import { cloneModel, isOp, type Model, makeNode, type Node, tensorInfo } from '../ir/graph.ts';
import { elementCount, type TensorValue } from '../ir/tensor.ts';
import { isDepthwise } from '../quantize/eligible.ts';
import { floatValues } from '../quantize/float-values.ts';

/** What one run of a model takes, whatever runs it. */
export interface Work {
  readonly nodes: readonly NodeWork[];
  /** Bytes of all activations in float32. */
  readonly activationBytes: number;
}

export interface NodeWork {
  readonly node: string;
  readonly kind: CostKind;
  /** Multiply-adds; of kind `other`, elements written. */
  readonly operations: number;
}

/** Counts the work of one run, from the sizes that the values take when a sample is run. */
export async function countWork(model: Model, feeds: Tensors, runtime: Runtime): Promise<Work> {
  const sizes = await valueSizes(model, feeds, runtime);
  const nodes = model.graph.nodes.map((node): NodeWork => {
    const written = node.outputs.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
    const weight = model.graph.initializers.get(node.inputs[1] ?? '');
    const kind = kindOf(node, weight);
    const perOutput =
      kind === 'other' || weight === undefined ? 1 : productsPerOutput(node, weight);
    return { node: node.name, kind, operations: written * perOutput };
  });
  const elements = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return { nodes, activationBytes: elements * Float32Array.BYTES_PER_ELEMENT };
}

/**
 * Milliseconds of one run by the target's cost table: an order of magnitude, good for ranking.
 *
 * @param precisionOf the precision that a node, by name, runs in
 */
export function estimateLatency(
  { nodes }: Work,
  precisionOf: (node: string) => Precision,
  profile: TargetProfile,
): number {
  const relative = nodes.reduce((sum, { node, kind, operations }) => {
    const cost = profile.cost[precisionOf(node)];
    return sum + operations * (cost?.[kind] ?? 1);
  }, 0);
  return (relative / profile.macsPerSecond) * 1000;
}

/** Share of all multiply-adds that nodes of these kinds do. */
export function shareOf({ nodes }: Work, kinds: readonly CostKind[]): number {
  const count = (wanted: (kind: CostKind) => boolean): number =>
    nodes.reduce((sum, { kind, operations }) => sum + (wanted(kind) ? operations : 0), 0);
  const all = count((kind) => kind !== 'other');
  return all === 0 ? 0 : count((kind) => kinds.includes(kind)) / all;
}

function kindOf(node: Node, weight: TensorValue | undefined): CostKind {
  if (isOp(node, 'Gemm', 'MatMul', 'LSTM', 'GRU', 'RNN')) return 'matmul';
  if (!isOp(node, 'Conv', 'ConvTranspose') || weight === undefined) return 'other';
  if (isDepthwise(node, weight)) return 'depthwise';
  return weight.dims.slice(2).every((size) => size === 1) ? 'pointwise' : 'conv';
}

function productsPerOutput(node: Node, weight: TensorValue): number {
  const [first = 1, second = 1] = weight.dims;
  if (isOp(node, 'Conv')) return elementCount(weight) / Math.max(1, first);
  if (isOp(node, 'ConvTranspose')) {
    // Each input element meets each weight of its channel, spread over stride times the outputs.
    const stride = intsAttribute(node, 'strides', []).reduce((all, step) => all * step, 1);
    const groups = intAttribute(node, 'group', 1);
    return elementCount(weight) / Math.max(1, second * groups * stride);
  }
  // [directions, gates · hidden, inputs]: each hidden unit meets the inputs and the hidden units.
  if (isOp(node, 'LSTM', 'GRU', 'RNN')) {
    const hidden = Math.max(1, intAttribute(node, 'hidden_size', 1));
    return (second / hidden) * ((weight.dims[2] ?? 1) + hidden);
  }
  if (isOp(node, 'Gemm')) return intAttribute(node, 'transB', 0) === 1 ? second : first;
  return weight.dims.at(-2) ?? 1;
}

async function valueSizes(
  model: Model,
  feeds: Tensors,
  runtime: Runtime,
): Promise<Map<string, number>> {
  const copy = cloneModel(model);
  const { graph } = copy;
  const namer = createNamer(graph);
  const taps = new Map<string, string>();
  for (const value of floatValues(graph)) {
    if (graph.initializers.has(value)) continue;
    const output = namer.fresh(`${value}_Size`);
    graph.nodes.push(makeNode('Size', namer.fresh(`${output}_tap`), [value], [output]));
    graph.outputs.push(tensorInfo(output, 'int64', []));
    taps.set(value, output);
  }
  const session = await runtime.load(writeOnnx(copy));
  try {
    const outputs = await session.run(feeds);
    return new Map([...taps].map(([name, tap]) => [name, Number(outputs[tap]?.data[0] ?? 0)]));
  } finally {
    await session.dispose();
  }
}
