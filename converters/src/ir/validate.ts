import { capturedNames, subgraphsOf } from './edit.ts';
import type { Graph, Node } from './graph.ts';

/**
 * The first rule of the IR that a graph breaks, in words, or undefined where it breaks none: every
 * input is made before it is taken, no value is made twice, every output is made, node names are
 * unique. Checks nested graphs too.
 */
export function graphFault(
  graph: Graph,
  outer: ReadonlySet<string> = new Set(),
): string | undefined {
  const known = new Set<string>([...graph.initializers.keys(), ...graph.sparseInitializers.keys()]);
  for (const { name } of graph.inputs) {
    if (known.has(name)) return `value ${quote(name)} is an input twice`;
    known.add(name);
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) return `two nodes are named ${quote(node.name)}`;
    names.add(node.name);
    const fault = nodeFault(node, known, outer);
    if (fault !== undefined) return fault;
  }
  const missing = graph.outputs.find(({ name }) => !known.has(name));
  return missing && `nothing makes the output ${quote(missing.name)}`;
}

/** Checks one node against what is known before it, and adds what it makes to `known`. */
function nodeFault(node: Node, known: Set<string>, outer: ReadonlySet<string>): string | undefined {
  const where = `node ${quote(node.name)} (${node.op})`;
  const absent = node.inputs.find((name) => name !== '' && !known.has(name) && !outer.has(name));
  if (absent !== undefined) return `${where} takes ${quote(absent)}, which nothing makes before it`;
  for (const graph of subgraphsOf(node)) {
    const fault = subgraphFault(graph, new Set([...outer, ...known]));
    if (fault !== undefined) return `in a graph of ${where}, ${fault}`;
  }
  for (const name of node.outputs.filter((output) => output !== '')) {
    if (known.has(name)) return `${where} makes ${quote(name)}, which is made already`;
    known.add(name);
  }
  return undefined;
}

/** A branch may hand an outer value straight out, which a whole model may not. */
function subgraphFault(graph: Graph, outer: ReadonlySet<string>): string | undefined {
  const absent = [...capturedNames(graph)].find((name) => !outer.has(name));
  if (absent !== undefined) return `${quote(absent)} is taken, which nothing makes`;
  const inner = { ...graph, outputs: graph.outputs.filter(({ name }) => !outer.has(name)) };
  return graphFault(inner, outer);
}

function quote(name: string): string {
  return JSON.stringify(name);
}
