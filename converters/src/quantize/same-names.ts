import type { Graph } from '../ir/graph.ts';

/** Values that both graphs compute under one name. */
export function sameNames(a: Graph, b: Graph): Map<string, string> {
  const there = new Set(b.nodes.flatMap((node) => node.outputs));
  const names = a.nodes.flatMap((node) => node.outputs).filter((name) => there.has(name));
  return new Map(names.map((name) => [name, name]));
}
