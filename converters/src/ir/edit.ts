import type { Graph, Node } from './graph.ts';
import { byteLength } from './stored.ts';

/** Graphs held in a node's attributes: bodies of If, Loop, Scan. */
export function subgraphsOf(node: Node): Graph[] {
  return [...node.attributes.values()].flatMap((attribute) => {
    if (attribute.kind === 'graph') return [attribute.value];
    return attribute.kind === 'graphs' ? [...attribute.value] : [];
  });
}

/** The graph and all graphs nested in it, outermost first. */
export function allGraphs(graph: Graph): Graph[] {
  return [graph, ...graph.nodes.flatMap(subgraphsOf).flatMap(allGraphs)];
}

/** What the constants of a graph and of those nested in it take, those of Constant nodes too. */
export function constantBytes(graph: Graph): number {
  const tensors = allGraphs(graph).flatMap(({ initializers, nodes }) => [
    ...initializers.values(),
    ...nodes.flatMap(({ attributes }) => {
      const value = attributes.get('value');
      return value?.kind === 'tensor' ? [value.value] : [];
    }),
  ]);
  return tensors.reduce((sum, tensor) => sum + byteLength(tensor), 0);
}

/** Names that a graph takes from the graphs around it. */
export function capturedNames(graph: Graph): Set<string> {
  const own = new Set([
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.sparseInitializers.keys(),
    ...graph.nodes.flatMap((node) => node.outputs),
  ]);
  const used = [...graph.nodes.flatMap(usedNames), ...graph.outputs.map((output) => output.name)];
  return new Set(used.filter((name) => name !== '' && !own.has(name)));
}

/** Names of the values a node needs: its inputs, and what its subgraphs capture. */
export function usedNames(node: Node): string[] {
  const captured = subgraphsOf(node).flatMap((graph) => [...capturedNames(graph)]);
  return [...node.inputs.filter((name) => name !== ''), ...captured];
}

/** Who makes and who takes each value of one graph. Made once; rebuild it after an edit. */
export interface GraphIndex {
  readonly producer: ReadonlyMap<string, Node>;
  /** Nodes that take a value, each once, in graph order; captures by subgraphs count. */
  readonly consumers: ReadonlyMap<string, readonly Node[]>;
  readonly outputs: ReadonlySet<string>;
}

export function indexGraph(graph: Graph): GraphIndex {
  const producer = new Map<string, Node>();
  const consumers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== '') producer.set(name, node);
    for (const name of new Set(usedNames(node))) {
      const list = consumers.get(name);
      if (list === undefined) consumers.set(name, [node]);
      else list.push(node);
    }
  }
  return { producer, consumers, outputs: new Set(graph.outputs.map((output) => output.name)) };
}

/** Gives names that no value or node of the graph, or of a graph nested in it, has. */
export interface Namer {
  /** `base` where it is free, otherwise `base_1`, `base_2`… The name is taken from then on. */
  fresh(base: string): string;
}

export function createNamer(graph: Graph): Namer {
  const taken = new Set(allGraphs(graph).flatMap(namesOf));
  const next = new Map<string, number>();
  return {
    fresh(base) {
      let name = base;
      let i = next.get(base) ?? 1;
      while (taken.has(name)) name = `${base}_${i++}`;
      next.set(base, i);
      taken.add(name);
      return name;
    },
  };
}

function namesOf(graph: Graph): string[] {
  return [
    ...graph.inputs.map((input) => input.name),
    ...graph.initializers.keys(),
    ...graph.sparseInitializers.keys(),
    ...graph.nodes.flatMap((node) => [node.name, ...node.inputs, ...node.outputs]),
  ];
}

/**
 * Makes every taker of value `from` take `to` instead, in subgraphs too. A graph output keeps its
 * name: the caller decides what then makes it.
 */
export function replaceUses(graph: Graph, from: string, to: string, nodes = graph.nodes): void {
  renameUses(nodes, new Map([[from, to]]));
}

/** The same for many values in one go; new names are not looked up again. */
export function renameUses(nodes: readonly Node[], names: ReadonlyMap<string, string>): void {
  for (const node of nodes) {
    if (node.inputs.some((name) => names.has(name))) {
      node.inputs = node.inputs.map((name) => names.get(name) ?? name);
    }
    for (const inner of subgraphsOf(node)) renameCaptures(inner, names);
  }
}

function renameCaptures(graph: Graph, names: ReadonlyMap<string, string>): void {
  const captured = new Map([...capturedNames(graph)].map((name) => [name, names.get(name)]));
  const renamed = new Map([...captured].filter((entry): entry is [string, string] => !!entry[1]));
  if (renamed.size === 0) return;
  renameUses(graph.nodes, renamed);
  graph.outputs = graph.outputs.map((output) => ({
    ...output,
    name: renamed.get(output.name) ?? output.name,
  }));
}

export function removeNodes(graph: Graph, nodes: ReadonlySet<Node>): void {
  graph.nodes = graph.nodes.filter((node) => !nodes.has(node));
}

/** True where each node follows what it takes from its own graph. */
export function isSorted(graph: Graph): boolean {
  const later = new Set(graph.nodes.flatMap((node) => node.outputs));
  return graph.nodes.every((node) => {
    if (usedNames(node).some((name) => later.has(name))) return false;
    for (const name of node.outputs) later.delete(name);
    return true;
  });
}

/** Orders nodes so that each follows what it takes; nodes that may stay where they are do so. */
export function sortTopologically(graph: Graph): void {
  const { producer } = indexGraph(graph);
  const sorted: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  for (const root of graph.nodes) {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack.at(-1)!;
      if (!state.has(node)) {
        state.set(node, 'open');
        for (const name of usedNames(node).reverse()) {
          const before = producer.get(name);
          if (before !== undefined && !state.has(before)) stack.push(before);
        }
        continue;
      }
      stack.pop();
      if (state.get(node) === 'done') continue;
      state.set(node, 'done');
      sorted.push(node);
    }
  }
  graph.nodes = sorted;
}
