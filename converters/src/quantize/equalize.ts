import { cloneModel, type Graph, type Model, type Node } from '../ir/graph.ts';
import { makeTensor, toFloats } from '../ir/tensor.ts';
import { type ChannelIndex, channelIndex } from './channel-weights.ts';
import { findPairs, type LayerPair } from './equalize-pairs.ts';

/** Chains of layers settle in a few rounds. */
const MOST_SWEEPS = 20;
/** Channels that move less than this, as a factor, have settled. */
const SETTLED = 1.001;
/**
 * Most that a channel is scaled by, all rounds together: one with tiny weights and a large bias would
 * otherwise stretch the range of the activations, which all channels share.
 */
const MOST_FACTOR = 32;

export interface Equalized {
  readonly model: Model;
  /** Pairs of layers whose channels were scaled. */
  readonly changed: number;
  /** `node: why`, for pairs that could not be. */
  readonly declined: readonly string[];
}

/**
 * Cross-layer equalization (Nagel et al., "Data-Free Quantization Through Weight Equalization and
 * Bias Correction", 2019, section 4.1): between two layers with only a Relu or the like between
 * them, each channel is divided by s and the weights that take it multiplied by s, with s such that
 * both layers' weights reach equally far there. The model computes the same, up to float rounding.
 *
 * Bias absorption (section 4.1.3) needs the statistics of batch normalization, which is folded by
 * then, and is left out.
 *
 * @param model float32; it is not changed
 */
export function equalizeLayers(model: Model): Equalized {
  const copy = cloneModel(model);
  const { graph } = copy;
  const { pairs, declined } = findPairs(graph);
  const layers = new Map<Node, Layer>();
  for (const node of pairs.flatMap(({ first, second }) => [first, second])) {
    if (!layers.has(node)) layers.set(node, openLayer(node, graph));
  }
  const joints = pairs.map((pair) => openJoint(pair, layers));
  for (let sweep = 0, moved = SETTLED; sweep < MOST_SWEEPS && moved >= SETTLED; sweep++) {
    moved = Math.max(1, ...joints.map(equalize));
  }
  for (const [node, layer] of layers) writeLayer(node, layer, graph);
  return {
    model: copy,
    changed: joints.filter(({ factors }) => isScaled(factors)).length,
    declined,
  };
}

interface Layer {
  readonly index: ChannelIndex;
  readonly weights: Float64Array;
  readonly bias: Float64Array | undefined;
}

interface Joint {
  readonly first: Layer;
  readonly second: Layer;
  /** Inputs of the second layer that one channel of the first feeds. */
  readonly spread: number;
  /** What each channel was divided by so far. */
  readonly factors: Float64Array;
}

function openLayer(node: Node, { initializers }: Graph): Layer {
  const weight = initializers.get(node.inputs[1] ?? '')!;
  const bias = initializers.get(node.inputs[2] ?? '');
  return {
    index: channelIndex(node, weight),
    weights: Float64Array.from(toFloats(weight)),
    bias: bias && Float64Array.from(toFloats(bias)),
  };
}

function openJoint({ first, second }: LayerPair, layers: ReadonlyMap<Node, Layer>): Joint {
  const [one, two] = [layers.get(first)!, layers.get(second)!];
  const { outputs } = one.index;
  const factors = new Float64Array(outputs).fill(1);
  return { first: one, second: two, spread: two.index.inputs / outputs, factors };
}

/** Scales one pair in place, and returns how far the channel went that went farthest, as a factor. */
function equalize({ first, second, spread, factors }: Joint): number {
  const { outputs, outputOf } = first.index;
  const { inputOf } = second.index;
  const made = new Float64Array(outputs);
  first.weights.forEach((weight, i) => {
    made[outputOf[i]!] = Math.max(made[outputOf[i]!]!, Math.abs(weight));
  });
  const taken = new Float64Array(outputs);
  second.weights.forEach((weight, i) => {
    const channel = Math.floor(inputOf[i]! / spread);
    taken[channel] = Math.max(taken[channel]!, Math.abs(weight));
  });
  const steps = factors.map((factor, channel) => stepOf(made[channel]!, taken[channel]!, factor));
  first.weights.forEach((_, i) => {
    first.weights[i]! /= steps[outputOf[i]!]!;
  });
  first.bias?.forEach((_, channel) => {
    first.bias![channel]! /= steps[channel]!;
  });
  second.weights.forEach((_, i) => {
    second.weights[i]! *= steps[Math.floor(inputOf[i]! / spread)]!;
  });
  steps.forEach((step, channel) => {
    factors[channel]! *= step;
  });
  return steps.reduce((most, step) => Math.max(most, step, 1 / step), 1);
}

/** √(r₁ / r₂), within bounds; 1 for a channel that one of the two does not use or that is not finite. */
function stepOf(made: number, taken: number, factor: number): number {
  const step = Math.sqrt(made / taken);
  if (!(step > 0 && step < Number.POSITIVE_INFINITY)) return 1;
  return Math.min(Math.max(step * factor, 1 / MOST_FACTOR), MOST_FACTOR) / factor;
}

function isScaled(factors: Float64Array): boolean {
  return factors.some((factor) => factor >= SETTLED || factor <= 1 / SETTLED);
}

function writeLayer(node: Node, { weights, bias }: Layer, { initializers }: Graph): void {
  const [, weightName = '', biasName = ''] = node.inputs;
  for (const [name, values] of [
    [weightName, weights],
    [biasName, bias],
  ] as const) {
    const tensor = initializers.get(name);
    if (tensor === undefined || values === undefined) continue;
    initializers.set(name, makeTensor('float32', tensor.dims, Float32Array.from(values)));
  }
}
