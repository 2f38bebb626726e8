import { allGraphs, indexGraph, removeNodes, renameUses } from '../ir/edit.ts';
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
  const gone = takeOverNames(
    graph,
    noops.filter((node) => outputs.has(node.outputs[0]!)),
    outputs,
  );
  removeNodes(graph, gone);
  return inner.length + gone.size;
}

/**
 * Lets whatever makes the input of a node make its output, a graph output, in its place.
 *
 * @returns the nodes that nothing needs then
 */
function takeOverNames(
  graph: Graph,
  nodes: readonly Node[],
  outputs: ReadonlySet<string>,
): Set<Node> {
  const { producer } = indexGraph(graph);
  const names = new Map<string, string>();
  const gone = new Set<Node>();
  for (const node of nodes) {
    const [from, to] = [node.inputs[0]!, node.outputs[0]!];
    const maker = producer.get(from);
    if (maker === undefined || outputs.has(from) || names.has(from)) continue;
    maker.outputs = maker.outputs.map((name) => (name === from ? to : name));
    names.set(from, to);
    graph.valueInfo.delete(from);
    gone.add(node);
  }
  renameUses(graph.nodes, names);
  return gone;
}
