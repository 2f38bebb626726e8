import { tensorAttribute } from '../ir/attributes.ts';
import { allGraphs, subgraphsOf } from '../ir/edit.ts';
import { type Graph, isOp, type Model, type Node, opsetOf } from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';
import type { Facts } from '../ops/facts.ts';
import { type Constants, constantsOf } from './constants.ts';
import { shapeNodes, staysFloat32 } from './fp16-rules.ts';
import { halfLoss, LARGEST_HALF } from './half-tensor.ts';
import type { Ranges } from './plan-context.ts';

export interface Float32Wishes {
  /** Operators that stay in float32, beside those that have no float16 form. */
  readonly blockOps?: readonly string[];
  /** Names of nodes that stay in float32, in the graph or one nested in it. */
  readonly float?: readonly string[];
  /** What samples made of the values of the graph; nodes beyond the range of float16 stay in float32. */
  readonly ranges?: Ranges;
}

/** Constants with a larger relative error in float16 (its rounding alone makes 0.0003) stay in float32. */
const MAX_LOSS = 0.01;
/** Samples do not reach all that a value may become. */
const LARGEST_SEEN = LARGEST_HALF / 2;

/** Nodes that stay in float32, of the graph and those nested in it, with the reason. */
export function chooseFloat32(
  model: Model,
  scopes: ReadonlyMap<Graph, Facts>,
  wishes: Float32Wishes,
): Map<Node, string> {
  const chosen = new Map<Node, string>();
  const constants = constantsOf(model.graph);
  const losses = new Map<TensorValue, boolean>();
  const shapes = shapeNodes(model.graph);
  for (const graph of allGraphs(model.graph)) {
    const context = {
      facts: scopes.get(graph),
      constants: constants.get(graph),
      ranges: graph === model.graph ? wishes.ranges : undefined,
      losses,
    };
    for (const node of graph.nodes) {
      // What holds graphs hands on what they make: its nodes are judged, not itself.
      if (subgraphsOf(node).length > 0) continue;
      const reason = shapes.has(node)
        ? 'computes a shape'
        : reasonOf(node, opsetOf(model), context);
      if (reason !== undefined) chosen.set(node, reason);
    }
  }
  for (const node of wished(model.graph, wishes)) chosen.set(node, 'by choice');
  return chosen;
}

/** Nodes asked for; one that holds graphs stands for all nodes in them. */
function wished(graph: Graph, wishes: Float32Wishes, all = false): Node[] {
  const { blockOps = [], float = [] } = wishes;
  const names = new Set(float);
  const ops = new Set(blockOps);
  return graph.nodes.flatMap((node) => {
    const wanted = all || names.has(node.name) || (node.domain === '' && ops.has(node.op));
    const inner = subgraphsOf(node);
    if (inner.length > 0) return inner.flatMap((each) => wished(each, wishes, wanted));
    return wanted ? [node] : [];
  });
}

interface Context {
  readonly facts: Facts | undefined;
  readonly constants: Constants | undefined;
  readonly ranges: Ranges | undefined;
  readonly losses: Map<TensorValue, boolean>;
}

function reasonOf(node: Node, opset: number, context: Context): string | undefined {
  if (staysFloat32(node, opset)) return 'has no float16 form';
  const names = [...node.inputs, ...node.outputs].filter((name) => name !== '');
  const unknown = names.find((name) => context.facts?.get(name)?.dtype === undefined);
  if (unknown !== undefined) return `${JSON.stringify(unknown)} is no tensor of a known type`;
  const lost = node.inputs.find((name) => losesMuch(node, name, context));
  if (lost !== undefined) return `float16 does not hold ${JSON.stringify(lost)}`;
  const beyond = names.find((name) => reach(context.ranges, name) > LARGEST_SEEN);
  if (beyond === undefined) return undefined;
  const most = reach(context.ranges, beyond).toPrecision(3);
  return `${JSON.stringify(beyond)} reaches ${most}, near the end of float16 or beyond it`;
}

function reach(ranges: Ranges | undefined, name: string): number {
  const range = ranges?.get(name);
  return range === undefined ? 0 : Math.max(Math.abs(range.min), Math.abs(range.max));
}

/**
 * True for a constant most of which would vanish, or for weights of a product beyond the range; in
 * other places such a number stands for infinity (the mask of an attention) and is cut off.
 */
function losesMuch(node: Node, name: string, { constants, losses }: Context): boolean {
  const tensor = constants?.get(name)?.tensor ?? ownTensor(node);
  if (tensor?.dtype !== 'float32') return false;
  const known = losses.get(tensor);
  if (known !== undefined) return known;
  const { relative, clamped } = halfLoss(tensor);
  const lost = clamped > 0 ? isOp(node, ...PRODUCTS) : relative > MAX_LOSS;
  if (clamped === 0) losses.set(tensor, lost);
  return lost;
}

const PRODUCTS = ['Conv', 'ConvTranspose', 'Gemm', 'GRU', 'LSTM', 'MatMul', 'RNN'];

function ownTensor(node: Node): TensorValue | undefined {
  return isOp(node, 'Constant') ? tensorAttribute(node, 'value') : undefined;
}
