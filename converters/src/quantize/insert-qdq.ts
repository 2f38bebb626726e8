import type { QdqForm } from '@flotilla/targets';
import {
  createNamer,
  type GraphIndex,
  indexGraph,
  removeNodes,
  replaceUses,
  sortTopologically,
  usedNames,
} from '../ir/edit.ts';
import { type Graph, makeNode, type Node } from '../ir/graph.ts';
import { float32Tensor, fromNumbers } from '../ir/tensor.ts';
import { absorbedInput, isSaturation } from './flow.ts';
import { type Edit, quantizeConstants } from './insert-constants.ts';
import type { QuantizationParams } from './params.ts';
import type { QdqPlan } from './plan.ts';
import type { Tuned } from './tune/tune.ts';

/**
 * Carries a plan out on the graph it was made for.
 *
 * @returns by value name, the name under which the graph now has the dequantized value
 */
export function insertQdq(
  graph: Graph,
  plan: QdqPlan,
  form: QdqForm,
  tuned: Tuned = new Map(),
): Map<string, string> {
  const namer = createNamer(graph);
  const edit: Edit = {
    graph,
    plan,
    form,
    tuned,
    namer,
    added: [],
    removed: new Set(),
    constants: new Map(),
  };
  for (const node of plan.integer) quantizeConstants(edit, node);
  const renamed = new Map<string, string>();
  const index = indexGraph(graph);
  for (const [name, params] of plan.values) {
    renamed.set(name, quantizeActivation(edit, index, name, params));
  }
  graph.nodes.push(...edit.added);
  removeNodes(graph, edit.removed);
  sortTopologically(graph);
  dropUnusedInitializers(graph);
  return renamed;
}

function quantizeActivation(
  edit: Edit,
  { producer, consumers, outputs }: GraphIndex,
  name: string,
  params: QuantizationParams,
): string {
  const { graph, plan, namer } = edit;
  const takers = plan.takers.get(name) ?? new Set<Node>();
  const uncut = takers === 'all' ? leaveOutCuts(edit, producer, name, params) : name;
  const maker = producer.get(name);
  if (takers === 'all' && outputs.has(name) && maker !== undefined) {
    // A graph output keeps its name, so what its producer makes gets another one.
    const source = uncut === name ? namer.fresh(`${name}_float`) : uncut;
    maker.outputs = maker.outputs.map((output) => (output === name ? source : output));
    addPair(edit, source, name, params);
    return name;
  }
  const result = namer.fresh(`${name}_dequantized`);
  const users = takers === 'all' ? (consumers.get(name) ?? []) : [...takers];
  replaceUses(graph, name, result, [...users]);
  addPair(edit, uncut, result, params);
  return result;
}

/**
 * Removes the absorbed Relu and Clip nodes before a quantized value, and returns what they took: the
 * integers saturate at the same bounds. (ONNX Runtime refuses some chains of them, and a Clip with
 * one bound only, where it would absorb them itself.)
 */
function leaveOutCuts(
  { graph, plan, removed }: Edit,
  producer: GraphIndex['producer'],
  value: string,
  params: QuantizationParams,
): string {
  let name = value;
  for (;;) {
    const node = producer.get(name);
    if (node === undefined || !plan.absorbed.has(node) || !isSaturation(node, graph, params))
      return name;
    removed.add(node);
    name = absorbedInput(node, graph);
  }
}

function addPair(edit: Edit, source: string, result: string, params: QuantizationParams): void {
  const { graph, namer, added } = edit;
  const scale = namer.fresh(`${result}_scale`);
  const zeroPoint = namer.fresh(`${result}_zero_point`);
  graph.initializers.set(scale, float32Tensor([], [params.scale]));
  graph.initializers.set(zeroPoint, fromNumbers(params.type, [], [params.zeroPoint]));
  const quantized = namer.fresh(`${result}_quantized`);
  const q = namer.fresh(`${result}_QuantizeLinear`);
  const dq = namer.fresh(`${result}_DequantizeLinear`);
  added.push(
    makeNode('QuantizeLinear', q, [source, scale, zeroPoint], [quantized]),
    makeNode('DequantizeLinear', dq, [quantized, scale, zeroPoint], [result]),
  );
}

function dropUnusedInitializers(graph: Graph): void {
  const used = new Set([
    ...graph.nodes.flatMap(usedNames),
    ...graph.outputs.map((output) => output.name),
  ]);
  for (const name of [...graph.initializers.keys()]) {
    if (!used.has(name)) graph.initializers.delete(name);
  }
}
