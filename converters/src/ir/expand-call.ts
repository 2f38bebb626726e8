import type { Namer } from './edit.ts';
import {
  type Attribute,
  cloneGraph,
  type Graph,
  type ModelFunction,
  makeNode,
  type Node,
} from './graph.ts';

const MAX_NAME = 256;

/**
 * The nodes that a call stands for, under names of their own, or why there are none. The body, taken
 * for a graph, must have no fault.
 */
export function expandCall(call: Node, body: ModelFunction, namer: Namer): Node[] | string {
  const where = `node ${JSON.stringify(call.name)} calls function ${body.name}`;
  if (call.inputs.length > body.inputs.length || call.outputs.length > body.outputs.length) {
    return `${where} with more inputs or outputs than it has`;
  }
  const copier = new Copier(call, body, namer);
  const names = new Map(body.inputs.map((name, i) => [name, call.inputs[i] ?? '']));
  const made = new Set(body.nodes.flatMap((node) => node.outputs));
  const handedOut = new Map<string, string>();
  for (const [i, name] of body.outputs.entries()) {
    const actual = call.outputs[i] ?? '';
    if (actual === '') continue;
    if (made.has(name) && !names.has(name)) names.set(name, actual);
    else handedOut.set(actual, name);
  }
  const nodes = copier.nodes(body.nodes, names);
  for (const [actual, name] of handedOut) {
    const source = names.get(name) ?? '';
    if (source === '') return `${where}, of which nothing makes the output ${JSON.stringify(name)}`;
    nodes.push(makeNode('Identity', namer.fresh(`${call.name}/${name}`), [source], [actual]));
  }
  return nodes;
}

/** Copies what a function holds for one call: values renamed, references to attributes resolved. */
class Copier {
  readonly #call: Node;
  readonly #body: ModelFunction;
  readonly #namer: Namer;

  constructor(call: Node, body: ModelFunction, namer: Namer) {
    this.#call = call;
    this.#body = body;
    this.#namer = namer;
  }

  /** Adds the values that the nodes make to `names`. */
  nodes(nodes: readonly Node[], names: Map<string, string>): Node[] {
    for (const name of nodes.flatMap((node) => node.outputs)) {
      if (name !== '' && !names.has(name)) names.set(name, this.#fresh(name));
    }
    return nodes.map((node) => this.#node(node, names));
  }

  #node(node: Node, names: ReadonlyMap<string, string>): Node {
    return {
      ...node,
      name: this.#fresh(node.name),
      inputs: node.inputs.map((name) => names.get(name) ?? name),
      outputs: node.outputs.map((name) => names.get(name) ?? name),
      attributes: this.#attributes(node, names),
    };
  }

  /** A reference to what the call does not give, and which has no default, is left out. */
  #attributes(node: Node, names: ReadonlyMap<string, string>): Map<string, Attribute> {
    const resolved = [...node.attributes].flatMap(([name, attribute]) => {
      const value = this.#attribute(attribute, names);
      return value === undefined ? [] : [[name, value] as const];
    });
    return new Map(resolved);
  }

  #attribute(attribute: Attribute, names: ReadonlyMap<string, string>): Attribute | undefined {
    if (attribute.kind === 'reference') return this.#given(attribute.value.name);
    if (attribute.kind === 'graph') {
      return { kind: 'graph', value: this.#graph(attribute.value, names) };
    }
    if (attribute.kind === 'graphs') {
      return { kind: 'graphs', value: attribute.value.map((each) => this.#graph(each, names)) };
    }
    return attribute;
  }

  /** What the call says; a graph means the values around the call and keeps its names. */
  #given(name: string): Attribute | undefined {
    const given = this.#call.attributes.get(name) ?? this.#body.attributeDefaults.get(name);
    return given?.kind === 'graph' ? { kind: 'graph', value: cloneGraph(given.value) } : given;
  }

  /** Sparse constants keep their names, which lie in a message of the format. */
  #graph(graph: Graph, outer: ReadonlyMap<string, string>): Graph {
    const names = new Map(outer);
    for (const name of graph.sparseInitializers.keys()) names.set(name, name);
    const own = [...graph.inputs.map((input) => input.name), ...graph.initializers.keys()];
    for (const name of new Set(own)) names.set(name, this.#fresh(name));
    for (const name of graph.nodes.flatMap((node) => node.outputs)) names.delete(name);
    const nodes = this.nodes(graph.nodes, names);
    const renamed = <T extends { readonly name: string }>(info: T): T => ({
      ...info,
      name: names.get(info.name) ?? info.name,
    });
    const rekeyed = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
      [...map].map(([name, value]) => [names.get(name) ?? name, value]);
    return {
      ...graph,
      inputs: graph.inputs.map(renamed),
      outputs: graph.outputs.map(renamed),
      nodes,
      initializers: new Map(rekeyed(graph.initializers)),
      sparseInitializers: new Map(graph.sparseInitializers),
      valueInfo: new Map(
        [...graph.valueInfo.values()].map((info) => [renamed(info).name, renamed(info)]),
      ),
    };
  }

  #fresh(name: string): string {
    return this.#namer.fresh(`${endOf(this.#call.name)}/${endOf(name)}`);
  }
}

/** Each call copies the names in a body, so that long ones would grow with the calls. */
function endOf(name: string): string {
  return name.length > MAX_NAME ? name.slice(-MAX_NAME) : name;
}
