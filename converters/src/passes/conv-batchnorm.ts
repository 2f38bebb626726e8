import { floatAttribute, intAttribute } from '../ir/attributes.ts';
import { allGraphs, createNamer, indexGraph, type Namer, removeNodes } from '../ir/edit.ts';
import { type Graph, isOp, type Node } from '../ir/graph.ts';
import { elementCount, fromNumbers, type TensorValue, toNumbers } from '../ir/tensor.ts';
import type { Pass } from './pass.ts';

/**
 * Folds BatchNormalization into the convolution before it: w' = w·s, b' = (b − mean)·s + beta with
 * s = scale / √(var + ε) per output channel. Only where nobody else sees the convolution's output.
 * A quantized Conv that a BatchNormalization follows stays in fp32 in ONNX Runtime, so this comes
 * before quantization.
 */
export const convBatchNorm: Pass = {
  name: 'conv-batchnorm',
  run(model) {
    const declined: string[] = [];
    const did: string[] = [];
    const namer = createNamer(model.graph);
    const changed = allGraphs(model.graph).reduce(
      (sum, graph) => sum + foldIn(graph, namer, did, declined),
      0,
    );
    return { changed, did, declined };
  },
};

function foldIn(graph: Graph, namer: Namer, did: string[], declined: string[]): number {
  const gone = new Set<Node>();
  const index = indexGraph(graph);
  for (const norm of graph.nodes.filter((node) => isOp(node, 'BatchNormalization'))) {
    const conv = index.producer.get(norm.inputs[0] ?? '');
    if (conv === undefined || !isOp(conv, 'Conv', 'ConvTranspose')) continue;
    const seen = index.consumers.get(conv.outputs[0]!)?.length !== 1;
    const reason =
      seen || index.outputs.has(conv.outputs[0]!)
        ? `the output of ${JSON.stringify(conv.name)} is used elsewhere too`
        : fold(graph, conv, norm, namer);
    const where = `BatchNormalization ${JSON.stringify(norm.name)}`;
    if (reason !== undefined) declined.push(`${where} stays: ${reason}`);
    else {
      gone.add(norm);
      did.push(`${where} into ${conv.op} ${JSON.stringify(conv.name)}`);
    }
  }
  removeNodes(graph, gone);
  return gone.size;
}

/** Folds one pair, or says why it cannot be. */
function fold(graph: Graph, conv: Node, norm: Node, namer: Namer): string | undefined {
  if (norm.outputs.slice(1).some((name) => name !== '') || intAttribute(norm, 'training_mode', 0)) {
    return 'it is in training mode';
  }
  const constants = (names: readonly string[]) => names.map((name) => graph.initializers.get(name));
  const [weight, bias] = constants(conv.inputs.slice(1, 3));
  const [scale, beta, mean, variance] = constants(norm.inputs.slice(1, 5));
  if (!weight || (conv.inputs[2] && !bias)) return 'the weights before it are not constant';
  if (!scale || !beta || !mean || !variance) return 'its parameters are not constant';

  const channels = elementCount(scale);
  const parameters = [scale, beta, mean, variance, ...(bias ? [bias] : [])];
  if (parameters.some((each) => !isFloat(each) || elementCount(each) !== channels)) {
    return 'its parameters are not floats, one for each channel';
  }
  if (!isFloat(weight)) return 'the weights before it are not floats';
  const channelOf = weightChannels(conv, weight, channels);
  if (channelOf === undefined) return `its ${channels} channels are not those of the weights`;
  const epsilon = floatAttribute(norm, 'epsilon', Math.fround(1e-5));
  const factor = zip(toNumbers(scale), toNumbers(variance), (s, v) => s / Math.sqrt(v + epsilon));
  const start = bias ? toNumbers(bias) : new Float64Array(channels);
  const centered = zip(start, toNumbers(mean), (b, m) => b - m);
  const newBias = zip(
    zip(centered, factor, (b, f) => b * f),
    toNumbers(beta),
    (b, t) => b + t,
  );
  const newWeight = toNumbers(weight).map((w, i) => w * factor[channelOf(i)]!);

  const folded = [
    fromNumbers(weight.dtype, weight.dims, newWeight),
    fromNumbers(weight.dtype, [channels], newBias),
  ] as const;
  if (!folded.every(allFinite)) return 'the folded weights leave the range of their type';
  replaceParameters(graph, conv, folded, namer);
  conv.outputs = [norm.outputs[0]!];
  graph.valueInfo.delete(norm.inputs[0]!);
  return undefined;
}

function replaceParameters(
  graph: Graph,
  conv: Node,
  [weight, bias]: readonly [TensorValue, TensorValue],
  namer: Namer,
): void {
  const [data, oldWeight, oldBias] = conv.inputs;
  const weightName = namer.fresh(`${oldWeight}_folded`);
  const biasName = namer.fresh(`${oldBias || `${oldWeight}_bias`}_folded`);
  graph.initializers.set(weightName, weight).set(biasName, bias);
  conv.inputs = [data!, weightName, biasName];
}

/**
 * Which output channel each weight belongs to. Conv: [out, in/groups, …]. ConvTranspose:
 * [in, out/groups, …], the groups dividing the first dimension.
 */
function weightChannels(
  conv: Node,
  weight: TensorValue,
  channels: number,
): ((index: number) => number) | undefined {
  const [first = 0, second = 0] = weight.dims;
  const inner = elementCount({ dims: weight.dims.slice(2) });
  const groups = intAttribute(conv, 'group', 1);
  if (conv.op === 'Conv') {
    return first === channels ? (index) => Math.floor(index / (second * inner)) : undefined;
  }
  if (second * groups !== channels || first % groups !== 0) return undefined;
  const perGroup = first / groups;
  return (index) => {
    const row = Math.floor(index / (second * inner));
    return Math.floor(row / perGroup) * second + (Math.floor(index / inner) % second);
  };
}

function zip(
  a: Float64Array,
  b: Float64Array,
  combine: (a: number, b: number) => number,
): Float64Array {
  return a.map((value, i) => combine(value, b[i]!));
}

function isFloat({ dtype }: TensorValue): boolean {
  return ['float16', 'bfloat16', 'float32', 'float64'].includes(dtype);
}

function allFinite(tensor: TensorValue): boolean {
  return toNumbers(tensor).every(Number.isFinite);
}
