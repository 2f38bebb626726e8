import { allGraphs, indexGraph, removeNodes, renameUses, replaceUses } from '../ir/edit.ts';
import type { Graph, Node } from '../ir/graph.ts';

/**
 * Removes single-input, single-output nodes that hand their first input through unchanged. Where
 * such a node makes a graph output, the node before it takes over the output's name; where that
 * cannot be (the value comes straight from an input or constant), the node stays.
 *
 * Returns how many went.
 */
export function bypassAll(root: Graph, isNoop: (node: Node, graph: Graph) => boolean): number {
  return allGraphs(root).reduce((sum, graph) => sum + bypassIn(graph, isNoop), 0);
}

function bypassIn(graph: Graph, isNoop: (node: Node, graph: Graph) => boolean): number {
  const outputs = new Set(graph.outputs.map((output) => output.name));
  const noops = graph.nodes.filter((node) => isNoop(node, graph) && node.inputs[0]);
  const inner = noops.filter((node) => !outputs.has(node.outputs[0]!));
  const aliases = new Map<string, string>();
  for (const node of inner) {
    const from = node.inputs[0]!;
    aliases.set(node.outputs[0]!, aliases.get(from) ?? from);
  }
  renameUses(graph.nodes, aliases);
  removeNodes(graph, new Set(inner));
  const atOutput = noops.filter((node) => outputs.has(node.outputs[0]!));
  const gone = new Set(atOutput.filter((node) => takeOverName(graph, node)));
  removeNodes(graph, gone);
  return inner.length + gone.size;
}

/** Lets whatever makes the input of `node` make its output, a graph output, in its place. */
function takeOverName(graph: Graph, node: Node): boolean {
  const [from, to] = [node.inputs[0]!, node.outputs[0]!];
  const { producer, outputs } = indexGraph(graph);
  const maker = producer.get(from);
  if (maker === undefined || outputs.has(from)) return false;
  node.outputs = [];
  maker.outputs = maker.outputs.map((name) => (name === from ? to : name));
  replaceUses(graph, from, to);
  graph.valueInfo.delete(from);
  return true;
}
