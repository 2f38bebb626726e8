import type { Graph } from '../ir/graph.ts';
import { inferFacts } from '../ops/facts.ts';

/**
 * Names of the float32 values of the top-level graph, constants included. A value whose type cannot
 * be told is left out, so that it is not quantized.
 */
export function floatValues(graph: Graph): Set<string> {
  const facts = inferFacts(graph, { declared: true }).get(graph);
  const names = [
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ];
  return new Set(names.filter((name) => facts?.get(name)?.dtype === 'float32'));
}
