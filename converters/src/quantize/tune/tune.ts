import type { Tensors } from '@flotilla/model';
import { type GraphIndex, indexGraph } from '../../ir/edit.ts';
import { type Graph, isOp, type Model } from '../../ir/graph.ts';
import { elementCount } from '../../ir/tensor.ts';
import { biasSlot } from '../bias-slot.ts';
import type { QuantizationParams } from '../params.ts';
import type { CalibrationData } from '../quantize.ts';
import type { StaticScheme } from '../scheme.ts';
import { biasOfEach } from '../weights.ts';
import { observeMoments } from './moments.ts';
import type { ObservedProduct } from './moments-graph.ts';
import { productShape } from './products.ts';
import { type TunedProduct, tuneProduct } from './tune-product.ts';

/** By name of the node. */
export type Tuned = ReadonlyMap<string, TunedProduct>;

/** Samples beyond these tell hardly more. */
const MOST_SAMPLES = 64;
/** Wider products would take minutes to solve: their weights are rounded to the nearest. */
const MOST_COLUMNS = 2304;
/**
 * Weights of the convolution that lays out what a product takes: with the square of its kernel they
 * grow beyond any memory, and such kernels keep their rounding and bias.
 */
const MOST_PICKED = 1 << 24;
/** Elements of all moments observed in one run of the samples: 16 bytes each. */
const MOST_MOMENTS = 6_000_000;

export interface TuneInput {
  /** float32 */
  readonly model: Model;
  readonly scheme: StaticScheme;
  readonly calibration: CalibrationData;
  /** Names of products with constant weights that will run in integers. */
  readonly products: readonly string[];
  /** How each activation is quantized. */
  readonly values: ReadonlyMap<string, QuantizationParams>;
}

/**
 * Decides weights and biases of all products, each for the inputs that the float model gives it,
 * with these quantized. (Inputs from the quantized model would ask each product to make up for
 * errors of those before it that are gone once these are tuned: measured to be worse.)
 */
export async function tuneProducts(input: TuneInput): Promise<Tuned> {
  const { model, scheme, calibration } = input;
  const tuned = new Map<string, TunedProduct>();
  const index = indexGraph(model.graph);
  for (const batch of batchesOf(observedProducts(input))) {
    const samples = first(calibration.samples(), MOST_SAMPLES);
    const moments = await observeMoments(model, batch, samples, calibration);
    batch.forEach((product, i) => {
      const bias = biasOf(product, model.graph, index);
      tuned.set(product.node.name, tuneProduct(product, bias, moments[i]!, scheme));
    });
  }
  return tuned;
}

function observedProducts({ model, scheme, products, values }: TuneInput): ObservedProduct[] {
  const { graph } = model;
  const byName = new Map(graph.nodes.map((node) => [node.name, node]));
  return products.flatMap((name) => {
    const node = byName.get(name);
    const input = values.get(node?.inputs[0] ?? '');
    const weight = graph.initializers.get(node?.inputs[1] ?? '');
    if (node === undefined || input === undefined || weight === undefined) return [];
    if (weight.dims.length < 2 || (isOp(node, 'MatMul') && weight.dims.length > 2)) return [];
    const { groups, columns } = productShape(node, weight);
    const kernel = isOp(node, 'Conv') ? elementCount({ dims: weight.dims.slice(2) }) : 1;
    if (groups * columns * kernel > MOST_PICKED) return [];
    const squares = scheme.rounding === 'adaptive' && columns <= MOST_COLUMNS;
    return squares || scheme.biasCorrection ? [{ node, weight, input, squares }] : [];
  });
}

/** Neighbors whose moments fit into memory together. */
function batchesOf(products: readonly ObservedProduct[]): ObservedProduct[][] {
  const batches: ObservedProduct[][] = [];
  let free = 0;
  for (const product of products) {
    const { groups, columns } = productShape(product.node, product.weight);
    const size = product.squares ? groups * columns ** 2 : groups * columns;
    if (batches.length === 0 || size > free) {
      batches.push([]);
      free = MOST_MOMENTS;
    }
    batches.at(-1)!.push(product);
    free -= size;
  }
  return batches;
}

function biasOf(
  { node, weight }: ObservedProduct,
  graph: Graph,
  index: GraphIndex,
): Float32Array | undefined {
  const slot = biasSlot(node, graph, index);
  if (slot === undefined) return undefined;
  const { groups, rows } = productShape(node, weight);
  const bias = graph.initializers.get(slot.node.inputs[slot.input] ?? '');
  return bias === undefined ? new Float32Array(groups * rows) : biasOfEach(bias, groups * rows);
}

async function* first(samples: AsyncIterable<Tensors>, count: number): AsyncGenerator<Tensors> {
  let taken = 0;
  for await (const feeds of samples) {
    yield feeds;
    taken += 1;
    if (taken === count) return;
  }
}
