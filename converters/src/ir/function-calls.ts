import { allGraphs, subgraphsOf } from './edit.ts';
import type { ModelFunction, Node } from './graph.ts';

/** What tells functions apart (ONNX IR.md: domain, name and overload together). */
export function functionKey({ domain, name, overload }: ModelFunction): string {
  return JSON.stringify([domain, name, overload]);
}

/** The key of the function that a node calls, where the model has such a function. */
export function callKey({ domain, op, extra }: Node): string {
  return JSON.stringify([domain, op, extra.fields.overload ?? '']);
}

/** For each function the keys of what its nodes may call, nested graphs included. */
export function callsByFunction(functions: readonly ModelFunction[]): Map<string, string[]> {
  return new Map(functions.map((each) => [functionKey(each), withNested(each.nodes).map(callKey)]));
}

/** The nodes, and those of all graphs nested in them. */
export function withNested(nodes: readonly Node[]): Node[] {
  const inner = nodes.flatMap(subgraphsOf).flatMap(allGraphs);
  return [...nodes, ...inner.flatMap((graph) => graph.nodes)];
}
