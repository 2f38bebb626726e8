import { allGraphs, indexGraph, removeNodes, replaceUses } from '../ir/edit.ts';
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
  const noops = graph.nodes.filter((node) => isNoop(node, graph));
  const gone = new Set(noops.filter((node) => bypass(graph, node)));
  removeNodes(graph, gone);
  return gone.size;
}

function bypass(graph: Graph, node: Node): boolean {
  const [from, to] = [node.inputs[0], node.outputs[0]];
  if (!from || !to) return false;
  if (!graph.outputs.some((output) => output.name === to)) {
    replaceUses(graph, to, from);
    return true;
  }
  return takeOverName(graph, node, from, to);
}

/** Lets whatever makes `from` make `to`, a graph output, in its place. */
function takeOverName(graph: Graph, node: Node, from: string, to: string): boolean {
  const { producer, outputs } = indexGraph(graph);
  const maker = producer.get(from);
  if (maker === undefined || outputs.has(from)) return false;
  node.outputs = [];
  maker.outputs = maker.outputs.map((name) => (name === from ? to : name));
  replaceUses(graph, from, to);
  graph.valueInfo.delete(from);
  return true;
}
