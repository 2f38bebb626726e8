import { allGraphs, indexGraph, usedNames } from '../ir/edit.ts';
import type { Graph, Model, Node } from '../ir/graph.ts';
import type { Pass } from './pass.ts';

/** Removes nodes that no output needs, then constants and value information that nothing names. */
export const deadCode: Pass = {
  name: 'dead-code',
  run: (model) => ({ changed: removeDeadCode(model) }),
};

/** What the pass does, for steps that leave dead code behind; says how much went. */
export function removeDeadCode({ graph }: Model): number {
  const removed = allGraphs(graph)
    .reverse()
    .map((each) => removeDeadNodes(each) + removeDeadConstants(each));
  return removed.reduce((sum, count) => sum + count, 0);
}

function removeDeadNodes(graph: Graph): number {
  const before = graph.nodes.length;
  const { producer } = indexGraph(graph);
  const live = new Set<Node>();
  const wanted = graph.outputs.map((output) => output.name);
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const node = producer.get(name);
    if (node === undefined || live.has(node)) continue;
    live.add(node);
    wanted.push(...usedNames(node));
  }
  graph.nodes = graph.nodes.filter((node) => live.has(node));
  return before - graph.nodes.length;
}

function removeDeadConstants(graph: Graph): number {
  const { producer, consumers, outputs } = indexGraph(graph);
  const used = (name: string) => consumers.has(name) || outputs.has(name);
  const unused = [...graph.initializers.keys()].filter((name) => !used(name));
  for (const name of unused) graph.initializers.delete(name);
  const inputs = new Set(graph.inputs.map((input) => input.name));
  for (const name of [...graph.valueInfo.keys()]) {
    const made = producer.has(name) || inputs.has(name) || graph.initializers.has(name);
    if (!made) graph.valueInfo.delete(name);
  }
  return unused.length;
}
