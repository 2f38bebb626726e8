import { floatAttribute, floatsAttribute, intAttribute } from '../ir/attributes.ts';
import { removeNodes, subgraphsOf } from '../ir/edit.ts';
import { type Graph, isOp, type Node } from '../ir/graph.ts';
import { float32Tensor, int64Tensor, type TensorValue } from '../ir/tensor.ts';
import { canEvaluate, evaluate } from '../ops/evaluate/index.ts';
import { type Facts, inferFacts } from '../ops/facts.ts';
import type { Pass } from './pass.ts';

/** A folded constant may take this much, or as much as the constants it is made from. */
const MAX_GROWN_BYTES = 64 << 10;

/** The oldest definitions that the evaluators follow. */
const EVALUATED_OPSET = 13;

/**
 * Turns Constant nodes into initializers and computes what depends on constants alone, or on shapes
 * that do not change from run to run.
 */
export const constantFolding: Pass = {
  name: 'constant-folding',
  requires: (model) =>
    (model.opsets.get('') ?? EVALUATED_OPSET) >= EVALUATED_OPSET
      ? undefined
      : `opset ${EVALUATED_OPSET} or above`,
  run(model) {
    let changed = 0;
    for (let folded = -1; folded !== 0; changed += folded) {
      const scopes = inferFacts(model.graph, { declared: false });
      folded = foldGraph(model.graph, scopes, new Map());
    }
    return { changed };
  },
};

function foldGraph(
  graph: Graph,
  scopes: ReadonlyMap<Graph, Facts>,
  outer: ReadonlyMap<string, TensorValue>,
): number {
  const constants = visibleConstants(graph, outer);
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const folded = new Set<Node>();
  let inner = 0;
  for (const node of graph.nodes) {
    for (const subgraph of subgraphsOf(node)) inner += foldGraph(subgraph, scopes, constants);
    const [output] = node.outputs;
    const value = output ? constantValue(node, constants, scopes.get(graph)) : undefined;
    if (!output || !value || node.outputs.length !== 1 || outputs.has(output)) continue;
    constants.set(output, value);
    graph.initializers.set(output, value);
    graph.valueInfo.delete(output);
    folded.add(node);
  }
  removeNodes(graph, folded);
  return folded.size + inner;
}

/** Constants of the graphs around, but for names that this graph makes anew, and its own. */
function visibleConstants(
  graph: Graph,
  outer: ReadonlyMap<string, TensorValue>,
): Map<string, TensorValue> {
  const constants = new Map(outer);
  for (const input of graph.inputs) constants.delete(input.name);
  for (const name of graph.nodes.flatMap((node) => node.outputs)) constants.delete(name);
  for (const [name, value] of graph.initializers) constants.set(name, value);
  return constants;
}

function constantValue(
  node: Node,
  constants: ReadonlyMap<string, TensorValue>,
  facts: Facts | undefined,
): TensorValue | undefined {
  if (isOp(node, 'Constant')) return valueOfConstant(node);
  if (isOp(node, 'Shape', 'Size')) {
    const shape = facts?.get(node.inputs[0] ?? '')?.shape;
    const dims = shape?.filter((dim): dim is number => Number.isSafeInteger(dim));
    if (dims === undefined || dims.length !== shape?.length) return undefined;
    return shapeValue(node, dims);
  }
  if (!canEvaluate(node)) return undefined;
  const inputs = node.inputs.map((name) => constants.get(name));
  const known = inputs.every((input, i) => input !== undefined || node.inputs[i] === '');
  if (!known) return undefined;
  const value = evaluate(node, inputs);
  const limit = inputs.reduce((sum, input) => sum + (input?.bytes.length ?? 0), 0);
  return value && value.bytes.length <= Math.max(MAX_GROWN_BYTES, limit) ? value : undefined;
}

function shapeValue(node: Node, dims: readonly number[]): TensorValue {
  if (node.op === 'Size') return int64Tensor([], [dims.reduce((all, dim) => all * dim, 1)]);
  const part = dims.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', dims.length));
  return int64Tensor([part.length], part);
}

/** The forms of Constant that are numbers; strings and sparse tensors stay nodes. */
function valueOfConstant(node: Node): TensorValue | undefined {
  const tensor = node.attributes.get('value');
  if (tensor?.kind === 'tensor') return tensor.value;
  const one = floatAttribute(node, 'value_float', undefined);
  if (one !== undefined) return float32Tensor([], [one]);
  const list = floatsAttribute(node, 'value_floats', undefined);
  if (list !== undefined) return float32Tensor([list.length], list);
  const int = node.attributes.get('value_int');
  if (int?.kind === 'int') return int64Tensor([], [int.value]);
  const ints = node.attributes.get('value_ints');
  return ints?.kind === 'ints' ? int64Tensor([ints.value.length], ints.value) : undefined;
}
