import { allGraphs, indexGraph, usedNames } from '../ir/edit.ts';
import type { Graph, Model, Node } from '../ir/graph.ts';
import type { Pass } from './pass.ts';

/** Outputs from this one on may be left out where nothing takes them. */
const OPTIONAL_FROM: Readonly<Record<string, number>> = {
  Dropout: 1,
  GRU: 0,
  LSTM: 0,
  LayerNormalization: 1,
  MaxPool: 1,
  RNN: 0,
};

/**
 * Removes nodes that no output needs, outputs that a node need not make, and then constants and
 * value information that nothing names.
 */
export const deadCode: Pass = {
  name: 'dead-code',
  run({ graph }) {
    const graphs = allGraphs(graph).reverse();
    const count = (remove: (each: Graph) => number) =>
      graphs.reduce((sum, each) => sum + remove(each), 0);
    const gone = [
      [count(removeDeadNodes), 'nodes that no output needs'],
      [count(leaveOutOutputs), 'outputs that nothing takes'],
      [count(removeDeadConstants), 'constants that nothing takes'],
    ] as const;
    return {
      changed: gone.reduce((sum, [number]) => sum + number, 0),
      did: gone.flatMap(([number, what]) => (number > 0 ? [`${number} ${what}`] : [])),
    };
  },
};

/** What the pass does, for steps that leave dead code behind; says how much went. */
export function removeDeadCode({ graph }: Model): number {
  const removed = allGraphs(graph)
    .reverse()
    .map((each) => removeDeadNodes(each) + removeDeadConstants(each));
  return removed.reduce((sum, count) => sum + count, 0);
}

/** Runtimes choose a leaner kernel for a pool without indices, and int8 takes no other. */
function leaveOutOutputs(graph: Graph): number {
  const { consumers, outputs } = indexGraph(graph);
  let changed = 0;
  for (const node of graph.nodes) {
    const known = node.domain === '' && Object.hasOwn(OPTIONAL_FROM, node.op);
    const since = known ? OPTIONAL_FROM[node.op] : undefined;
    if (since === undefined) continue;
    const idle = (name: string, i: number) =>
      i >= since && name !== '' && !consumers.has(name) && !outputs.has(name);
    const unused = node.outputs.filter(idle);
    if (unused.length === 0) continue;
    const left = node.outputs.map((name) => (unused.includes(name) ? '' : name));
    node.outputs = left.slice(0, left.findLastIndex((name) => name !== '') + 1);
    for (const name of unused) graph.valueInfo.delete(name);
    changed += unused.length;
  }
  return changed;
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
