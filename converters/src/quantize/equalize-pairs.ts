import { intAttribute } from '../ir/attributes.ts';
import { type GraphIndex, indexGraph } from '../ir/edit.ts';
import { type Graph, isOp, type Node } from '../ir/graph.ts';
import { elementCount, toFloats } from '../ir/tensor.ts';
import { type Facts, inferFacts } from '../ops/facts.ts';
import { productShape } from './tune/products.ts';

/** Two layers between which each channel can be scaled: the second takes what only the first makes. */
export interface LayerPair {
  readonly first: Node;
  readonly second: Node;
}

export interface FoundPairs {
  readonly pairs: readonly LayerPair[];
  /** `node: why`, for pairs that are nearly such. */
  readonly declined: readonly string[];
}

/** Where a value has its channels: at axis 1 before others, or last. */
type Layout = 'planes' | 'rows';

/** Operators for which f(s·x) = s·f(x) with s > 0, channel by channel. */
const EVEN = ['Relu', 'LeakyRelu', 'Identity', 'Dropout'];
const POOLS = ['MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool'];
const FLATTENING = ['Flatten', 'Reshape', 'Squeeze'];

interface Search {
  readonly graph: Graph;
  readonly index: GraphIndex;
  readonly facts: Facts | undefined;
}

export function findPairs(graph: Graph): FoundPairs {
  const facts = inferFacts(graph, { declared: false }).get(graph);
  const search = { graph, index: indexGraph(graph), facts };
  const pairs: LayerPair[] = [];
  const declined: string[] = [];
  for (const node of graph.nodes) {
    if (!isProduct(node, graph)) continue;
    const found = follow(node, search);
    if (found === undefined) continue;
    const reason = 'reason' in found ? found.reason : ownFault(node, found.second, search);
    if (reason !== undefined) declined.push(`${node.name}: ${reason}`);
    else if ('second' in found) pairs.push({ first: node, second: found.second });
  }
  return { pairs, declined };
}

function isProduct(node: Node, { initializers }: Graph): boolean {
  const weight = initializers.get(node.inputs[1] ?? '');
  if (!isOp(node, 'Conv', 'Gemm', 'MatMul') || weight?.dtype !== 'float32') return false;
  if (isOp(node, 'Conv')) return weight.dims.length >= 3;
  return weight.dims.length === 2 && intAttribute(node, 'transA', 0) === 0;
}

/** The product that takes the channels of a node as they are, or why it cannot be used. */
function follow(
  first: Node,
  search: Search,
): { readonly second: Node } | { readonly reason: string } | undefined {
  const { graph, index } = search;
  let layout: Layout = isOp(first, 'Conv') ? 'planes' : 'rows';
  let clips = false;
  for (let value = first.outputs[0] ?? ''; ; ) {
    const takers = index.consumers.get(value) ?? [];
    const [taker] = takers;
    if (takers.length !== 1 || taker === undefined || index.outputs.has(value)) return undefined;
    if (taker.inputs.lastIndexOf(value) !== 0) return undefined;
    if (isProduct(taker, graph)) {
      const fits = layout === (isOp(taker, 'Conv') ? 'planes' : 'rows');
      if (!fits) return undefined;
      return clips ? { reason: 'a Clip cuts all its channels at one bound' } : { second: taker };
    }
    const next = through(taker, layout, search);
    if (next === undefined) return undefined;
    clips ||= next === 'clips';
    layout = next === 'clips' ? layout : next;
    value = taker.outputs[0] ?? '';
  }
}

/** The layout behind an operator that keeps channels apart; `clips` where it is not even in scale. */
function through(
  node: Node,
  layout: Layout,
  { graph, facts }: Search,
): Layout | 'clips' | undefined {
  if (isOp(node, ...EVEN)) return layout;
  if (isOp(node, 'Clip')) return isRelu(node, graph) ? layout : 'clips';
  if (layout === 'rows') return undefined;
  if (isOp(node, ...POOLS)) return node.outputs.length === 1 ? layout : undefined;
  if (!isOp(node, ...FLATTENING)) return undefined;
  if (isOp(node, 'Flatten')) return intAttribute(node, 'axis', 1) === 1 ? 'rows' : undefined;
  const from = facts?.get(node.inputs[0] ?? '')?.shape;
  const to = facts?.get(node.outputs[0] ?? '')?.shape;
  const [batch] = from ?? [];
  const keepsRows = batch !== undefined && batch !== null && to?.length === 2 && to[0] === batch;
  return keepsRows ? 'rows' : undefined;
}

/** A Clip from 0 upwards without an upper bound. */
function isRelu(node: Node, { initializers }: Graph): boolean {
  const [, low = '', high = ''] = node.inputs;
  const bound = initializers.get(low);
  return high === '' && bound !== undefined && toFloats(bound)[0] === 0;
}

/** Why one of the two cannot be scaled although they follow each other. */
function ownFault(first: Node, second: Node, { graph, index }: Search): string | undefined {
  const shared = [first.inputs[1], first.inputs[2], second.inputs[1]].some(
    (name) => name !== undefined && name !== '' && !isSole(name, index),
  );
  if (shared) return 'other nodes use the same weights';
  const weights = [first, second].map((node) => graph.initializers.get(node.inputs[1] ?? ''));
  const [own, next] = weights;
  if (own === undefined || next === undefined) return 'it has no constant weights';
  const { groups, rows } = productShape(first, own);
  const bias = first.inputs[2] ?? '';
  const values = graph.initializers.get(bias);
  if (bias !== '' && (values?.dtype !== 'float32' || elementCount(values) !== groups * rows)) {
    return 'its bias is not one constant for each channel';
  }
  const taken = productShape(second, next);
  const spatial = isOp(second, 'Conv') ? elementCount({ dims: next.dims.slice(2) }) : 1;
  const inputs = (taken.groups * taken.columns) / spatial;
  return inputs % (groups * rows) === 0 ? undefined : 'the channels of the two do not match';
}

function isSole(name: string, { consumers, outputs }: GraphIndex): boolean {
  return consumers.get(name)?.length === 1 && !outputs.has(name);
}
