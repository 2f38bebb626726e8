import { indexGraph, subgraphsOf, usedNames } from './edit.ts';
import type { Graph, Node } from './graph.ts';

const MAX_NAME = 100;

/**
 * The first rule of the IR that a graph breaks, in words, or undefined where it breaks none: every
 * input is made before it is taken, no value is made twice, every output is made, node names are
 * unique. Checks nested graphs too.
 */
export function graphFault(graph: Graph): string | undefined {
  return faultIn(graph, undefined);
}

/** Names of values known at a place in a graph, and in the graphs around it. */
class Scope {
  readonly #own = new Set<string>();
  readonly #outer: Scope | undefined;

  constructor(outer: Scope | undefined) {
    this.#outer = outer;
  }

  has(name: string): boolean {
    return this.#own.has(name) || (this.#outer?.has(name) ?? false);
  }

  /** False where this very graph has the name already. */
  add(name: string): boolean {
    if (this.#own.has(name)) return false;
    this.#own.add(name);
    return true;
  }
}

function faultIn(graph: Graph, outer: Scope | undefined): string | undefined {
  const known = new Scope(outer);
  for (const { name } of graph.inputs) {
    if (!known.add(name)) return `value ${quote(name)} is an input twice`;
  }
  for (const name of [...graph.initializers.keys(), ...graph.sparseInitializers.keys()]) {
    // In a nested graph it is the default of an input, which keeps its place there.
    if (!known.add(name) && outer === undefined) return `value ${quote(name)} is a constant too`;
  }
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) return `two nodes are named ${quote(node.name)}`;
    names.add(node.name);
    const fault = nodeFault(node, graph, known);
    if (fault !== undefined) return fault;
  }
  const missing = graph.outputs.find(({ name }) => !known.has(name));
  return missing && `nothing makes the output ${quote(missing.name)}`;
}

/** Checks one node against what is known before it, and adds what it makes to `known`. */
function nodeFault(node: Node, graph: Graph, known: Scope): string | undefined {
  if ([...node.inputs, ...node.outputs].some((name) => name === undefined)) {
    return `${titleOf(node)} lacks an input or an output`;
  }
  const absent = node.inputs.find((name) => name !== '' && !known.has(name));
  if (absent !== undefined) return absence(node, absent, graph);
  for (const inner of subgraphsOf(node)) {
    const fault = faultIn(inner, known);
    if (fault !== undefined) return `in a graph of ${titleOf(node)}, ${fault}`;
  }
  const twice = node.outputs.find((name) => name !== '' && !known.add(name));
  return twice && `${titleOf(node)} makes ${quote(twice)}, which is made already`;
}

/** Nothing makes the value, or a later node does, which may wait for this one in turn. */
function absence(node: Node, name: string, graph: Graph): string {
  const takes = `${titleOf(node)} takes ${quote(name)}`;
  const { producer } = indexGraph(graph);
  const maker = producer.get(name);
  if (maker === undefined) return `${takes}, which nothing makes`;
  const circle = waitsFor(maker, node, producer) ? 'which waits for it in turn' : 'after it';
  return `${takes}, which ${titleOf(maker)} makes, ${circle}`;
}

/** True where `node` takes what `other` makes, or takes what such a node makes, and so on. */
function waitsFor(node: Node, other: Node, producer: ReadonlyMap<string, Node>): boolean {
  const seen = new Set<Node>();
  const next = [node];
  for (let each = next.pop(); each !== undefined; each = next.pop()) {
    if (each === other) return true;
    if (seen.has(each)) continue;
    seen.add(each);
    for (const name of usedNames(each)) {
      const before = producer.get(name);
      if (before !== undefined) next.push(before);
    }
  }
  return false;
}

function titleOf({ name, op }: Node): string {
  return `node ${quote(name)} (${op})`;
}

/** A damaged file may hold names of any length. */
function quote(name: string): string {
  return JSON.stringify(name.length > MAX_NAME ? `${name.slice(0, MAX_NAME)}…` : name);
}
