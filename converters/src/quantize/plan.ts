import type { QdqForm } from '@flotilla/targets';
import { type GraphIndex, indexGraph } from '../ir/edit.ts';
import { type Graph, isOp, type Model, type Node } from '../ir/graph.ts';
import { type BiasSlot, biasSlot } from './bias-slot.ts';
import { type Eligibility, judgeNode } from './eligible.ts';
import { floatValues } from './float-values.ts';
import { absorbedInput, findAbsorbed, settledOutput } from './flow.ts';
import { groupParams } from './groups.ts';
import type { Skipped } from './impossible.ts';
import type { QuantizationParams, Range } from './params.ts';
import type { JudgingContext, PlanContext, Ranges, Takers } from './plan-context.ts';

/** What int8 QDQ will do to a graph; nothing is changed yet. */
export interface QdqPlan {
  /** Parameters of each value that gets a QuantizeLinear and DequantizeLinear pair. */
  readonly values: ReadonlyMap<string, QuantizationParams>;
  readonly takers: Takers;
  /** Nodes that run in integers. */
  readonly integer: ReadonlySet<Node>;
  /** Nodes that vanish into the operator before them. */
  readonly absorbed: ReadonlySet<Node>;
  /** Where products with constant weights have or could have their bias. */
  readonly biases: ReadonlyMap<Node, BiasSlot>;
  /** Nodes with weights that stay float, with the reason. */
  readonly skipped: readonly Skipped[];
}

type Judged = ReadonlyMap<Node, Eligibility>;

/**
 * Decides where integers run: products with weights first, then arithmetic between them, then what
 * passes values through, so that no value is quantized unless an integer operator gains from it.
 *
 * @param ranges of the activations, by value name; a value without one stays float
 * @param float names of nodes that stay in floating point by choice
 */
export function planQdq(
  graph: Graph,
  ranges: Ranges,
  form: QdqForm,
  float: ReadonlySet<string> = new Set(),
): QdqPlan {
  const judging: JudgingContext = {
    graph,
    floats: floatValues(graph),
    ranges: new Map([...ranges].filter(([, range]) => holdsNumbers(range))),
    form,
    float,
  };
  const judged = new Map(graph.nodes.map((node) => [node, judgeNode(node, judging)]));
  const index = indexGraph(graph);
  const computes = (node: Node): boolean =>
    ['heavy', 'computes'].includes(judged.get(node)?.kind ?? '');
  const biases = findBiases(judged, judging, index);
  const joins = form.quantizeBias ? biases.values() : [];
  const absorbed = findAbsorbed({ graph, index }, computes, joins);
  const context: PlanContext = { ...judging, index, absorbed };
  const integer = settle(judged, context);
  const takers = form.quantizeOutputs
    ? takersOfIntegers(integer, judged, context)
    : takersOfWeighted(integer, judged, context);
  return {
    values: groupParams(takers, integer, context),
    takers,
    integer,
    absorbed,
    biases,
    skipped: graph.nodes.flatMap((node) => {
      const verdict = judged.get(node);
      const reason = verdict?.kind === 'float' ? verdict.reason : undefined;
      return reason === undefined ? [] : [{ node: node.name, reason }];
    }),
  };
}

function findBiases(
  judged: Judged,
  { graph }: JudgingContext,
  index: GraphIndex,
): Map<Node, BiasSlot> {
  const biases = new Map<Node, BiasSlot>();
  for (const [node, { kind }] of judged) {
    const weighted = kind === 'heavy' && graph.initializers.has(node.inputs[1] ?? '');
    const slot = weighted ? biasSlot(node, graph, index) : undefined;
    if (slot !== undefined) biases.set(node, slot);
  }
  return biases;
}

/** Names of the nodes whose products int8 would compute in integers, in graph order, given ranges. */
export function heavyNodes({ graph }: Model, form: QdqForm): string[] {
  const floats = floatValues(graph);
  const ranges = new Map([...floats].map((name) => [name, { min: -1, max: 1 }]));
  const context = { graph, floats, ranges, form, float: new Set<string>() };
  return graph.nodes
    .filter((node) => judgeNode(node, context).kind === 'heavy')
    .map(({ name }) => name);
}

function holdsNumbers({ min, max }: Range): boolean {
  return Number.isFinite(min) && Number.isFinite(max);
}

/**
 * The largest set in which whatever is no product has integers before and behind it. What only moves
 * values may take them from the graph's inputs, too: bytes move faster than floats. Nodes are gone
 * over in both directions, so that a long chain falls in one round.
 */
function settle(judged: Judged, context: PlanContext): Set<Node> {
  const between = context.form.quantizeOutputs;
  const sources = findSources(judged, context);
  const integer = new Set<Node>();
  for (const [node, { kind }] of judged) {
    const useful = kind === 'heavy' || (kind !== 'float' && between);
    if (useful && !context.absorbed.has(node)) integer.add(node);
  }
  for (let before = -1; before !== integer.size; ) {
    before = integer.size;
    for (const node of [...integer, ...[...integer].reverse()]) {
      const verdict = judged.get(node);
      if (verdict === undefined || verdict.kind === 'float' || verdict.kind === 'heavy') continue;
      const ahead = node.outputs.some((name) => feedsInteger(name, integer, judged, context));
      const behind = verdict.activations.some((name) => {
        const source = sources.get(name);
        return source === undefined ? verdict.kind === 'passes' : integer.has(source);
      });
      if (!ahead || !behind) integer.delete(node);
    }
  }
  return integer;
}

function feedsInteger(
  value: string,
  integer: ReadonlySet<Node>,
  judged: Judged,
  context: PlanContext,
): boolean {
  const settled = settledOutput(value, context);
  return (context.index.consumers.get(settled) ?? []).some(
    (node) => integer.has(node) && activationsOf(node, judged).includes(settled),
  );
}

/**
 * The node that computed each value, seen through absorbed activations and what passes it on; none
 * for an input of the graph.
 */
function findSources(judged: Judged, { graph, absorbed }: PlanContext): Map<string, Node> {
  const sources = new Map<string, Node>();
  for (const node of graph.nodes) {
    const passes = judged.get(node)?.kind === 'passes' ? node.inputs[0] : undefined;
    const from = absorbed.has(node) ? absorbedInput(node, graph) : passes;
    const source = from === undefined ? node : sources.get(from);
    if (source === undefined) continue;
    for (const output of node.outputs) sources.set(output, source);
  }
  return sources;
}

function activationsOf(node: Node, judged: Judged): readonly string[] {
  const verdict = judged.get(node);
  return verdict === undefined || verdict.kind === 'float' ? [] : verdict.activations;
}

/** ONNX Runtime's form: inputs and outputs of integer nodes are quantized, and all read them so. */
function takersOfIntegers(
  integer: ReadonlySet<Node>,
  judged: Judged,
  context: PlanContext,
): Takers {
  const takers = new Map<string, Set<Node> | 'all'>();
  for (const node of integer) {
    const verdict = judged.get(node);
    if (verdict === undefined || verdict.kind === 'float') continue;
    for (const name of verdict.activations) addTaker(takers, name, node);
    for (const output of node.outputs) {
      const optional = verdict.floatOutput && !feedsInteger(output, integer, judged, context);
      const settled = verdict.kind === 'passes' ? output : settledOutput(output, context);
      if (!optional && context.ranges.has(settled)) takers.set(settled, 'all');
    }
  }
  return takers;
}

/**
 * TensorRT's form (docs.nvidia.com, "Explicit Quantization"): only what products with weights take
 * is quantized, and the branch of a residual Add that no convolution can be fused with.
 */
function takersOfWeighted(
  integer: ReadonlySet<Node>,
  judged: Judged,
  context: PlanContext,
): Takers {
  const takers = new Map<string, Set<Node> | 'all'>();
  for (const node of integer) {
    for (const name of activationsOf(node, judged)) addTaker(takers, name, node);
  }
  if (!context.form.residualAddInputs) return takers;
  for (const node of context.graph.nodes) {
    const [a = '', b = ''] = node.inputs;
    const verdict = judged.get(node);
    if (!isOp(node, 'Add') || verdict?.kind !== 'computes') continue;
    if (verdict.activations.length < 2) continue;
    const fused = [a, b].find((name) => fuses(name, integer, context));
    if (fused !== undefined) addTaker(takers, fused === a ? b : a, node);
  }
  return takers;
}

function fuses(value: string, integer: ReadonlySet<Node>, { index }: PlanContext): boolean {
  const node = index.producer.get(value);
  return node !== undefined && integer.has(node) && index.consumers.get(value)?.length === 1;
}

function addTaker(takers: Map<string, Set<Node> | 'all'>, value: string, node: Node): void {
  const own = takers.get(value);
  if (own === undefined) takers.set(value, new Set([node]));
  else if (own !== 'all') own.add(node);
}
