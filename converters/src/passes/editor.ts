import type { DataType } from '../ir/dtype.ts';
import {
  indexGraph,
  type Namer,
  removeNodes,
  renameUses,
  sortTopologically,
  usedNames,
} from '../ir/edit.ts';
import type { Dim, Graph, Node } from '../ir/graph.ts';
import { isNumeric, type TensorValue, toNumbers } from '../ir/tensor.ts';
import type { Facts, ValueFacts } from '../ops/facts.ts';

/** What a graph knows from around it. */
export interface Surroundings {
  /** The ai.onnx opset of the model. */
  readonly opset: number;
  readonly namer: Namer;
  readonly facts: Facts | undefined;
  /** Constants of the graphs around, but for names that this graph makes anew. */
  readonly outer: ReadonlyMap<string, TensorValue>;
}

/**
 * One graph while it is rewritten: who makes and takes each value, kept true through every edit.
 * Nodes may be added in any order: `finish` puts them in order and takes the removed ones out.
 */
export class GraphEditor {
  readonly graph: Graph;
  readonly opset: number;
  readonly #around: Surroundings;
  readonly #producers: Map<string, Node>;
  readonly #takers = new Map<string, Set<Node>>();
  readonly #outputs: ReadonlySet<string>;
  readonly #removed = new Set<Node>();
  readonly #made = new Map<string, ValueFacts>();
  #unordered = false;

  constructor(graph: Graph, around: Surroundings) {
    const { producer, consumers, outputs } = indexGraph(graph);
    this.graph = graph;
    this.opset = around.opset;
    this.#around = around;
    this.#producers = new Map(producer);
    this.#outputs = outputs;
    for (const [name, nodes] of consumers) this.#takers.set(name, new Set(nodes));
  }

  /** True until the node is removed. */
  has(node: Node): boolean {
    return !this.#removed.has(node);
  }

  producer(value: string | undefined): Node | undefined {
    return this.#producers.get(value ?? '');
  }

  /** Nodes that take a value, each once; a subgraph's capture counts for the node around it. */
  takers(value: string): ReadonlySet<Node> {
    return this.#takers.get(value) ?? new Set();
  }

  isOutput(value: string): boolean {
    return this.#outputs.has(value);
  }

  /** The one node that takes a value, where nothing else sees it. */
  soleTaker(value: string): Node | undefined {
    const takers = this.takers(value);
    return takers.size === 1 && !this.isOutput(value) ? [...takers][0] : undefined;
  }

  /** Why a value cannot go although one taker no longer needs it, or undefined where it can. */
  seenElsewhere(value: string): string | undefined {
    if (this.isOutput(value)) return `${JSON.stringify(value)} is an output, or to be kept`;
    const others = this.takers(value).size - 1;
    return others > 0 ? `${JSON.stringify(value)} is used elsewhere too` : undefined;
  }

  /** The constant that a value is, here or in a graph around. */
  constant(value: string | undefined): TensorValue | undefined {
    return this.graph.initializers.get(value ?? '') ?? this.#around.outer.get(value ?? '');
  }

  /** Its numbers; undefined where the value is not constant, or not of numbers. */
  numbers(value: string | undefined): Float64Array | undefined {
    const tensor = this.constant(value);
    return tensor && isNumeric(tensor.dtype) ? toNumbers(tensor) : undefined;
  }

  /** The one number of a constant of one element. */
  scalar(value: string | undefined): number | undefined {
    const tensor = this.constant(value);
    if (!tensor || tensor.dims.some((dim) => dim !== 1)) return undefined;
    return this.numbers(value)?.[0];
  }

  facts(value: string | undefined): ValueFacts {
    return this.#made.get(value ?? '') ?? this.#around.facts?.get(value ?? '') ?? {};
  }

  dtype(value: string | undefined): DataType | undefined {
    return this.facts(value).dtype;
  }

  shape(value: string | undefined): readonly Dim[] | undefined {
    return this.facts(value).shape;
  }

  /** What is known of a value that an edit made or changed. */
  setFacts(value: string, facts: ValueFacts): void {
    this.#made.set(value, facts);
  }

  fresh(base: string): string {
    return this.#around.namer.fresh(base);
  }

  addConstant(base: string, tensor: TensorValue): string {
    const name = this.fresh(base);
    this.graph.initializers.set(name, tensor);
    this.setFacts(name, { dtype: tensor.dtype, shape: tensor.dims });
    return name;
  }

  /** Lets go of a constant of this graph that nothing takes any more. */
  dropConstant(name: string): void {
    if (this.takers(name).size > 0 || this.isOutput(name)) return;
    this.graph.initializers.delete(name);
    this.graph.valueInfo.delete(name);
  }

  add(node: Node): void {
    this.graph.nodes.push(node);
    this.#unordered = true;
    for (const name of node.outputs) if (name !== '') this.#producers.set(name, node);
    this.#take(node);
  }

  remove(node: Node): void {
    this.#removed.add(node);
    for (const name of usedNames(node)) this.#takers.get(name)?.delete(node);
    for (const name of node.outputs) {
      if (this.#producers.get(name) !== node) continue;
      this.#producers.delete(name);
      this.graph.valueInfo.delete(name);
    }
  }

  setInputs(node: Node, inputs: readonly string[]): void {
    for (const name of usedNames(node)) this.#takers.get(name)?.delete(node);
    node.inputs = [...inputs];
    this.#take(node);
    this.#unordered = true;
  }

  /** Lets a node make `name` in place of its output `index`, whose facts no longer hold. */
  setOutput(node: Node, index: number, name: string): void {
    const before = node.outputs[index] ?? '';
    if (this.#producers.get(before) === node) this.#producers.delete(before);
    this.graph.valueInfo.delete(before);
    node.outputs = node.outputs.with(index, name);
    this.#producers.set(name, node);
  }

  /** Makes all nodes that take `from` take `to`; a graph output of that name stays as it is. */
  replaceUses(from: string, to: string): void {
    const nodes = [...this.takers(from)];
    renameUses(nodes, new Map([[from, to]]));
    this.#takers.delete(from);
    for (const node of nodes) this.#takersOf(to).add(node);
    this.#unordered = true;
  }

  /**
   * Removes a node of one output that is equal to `value`. Where the output is one of the graph,
   * what makes `value` takes over its name; false where it cannot: `value` is an output too, or
   * nothing in this graph makes it.
   */
  bypass(node: Node, value: string): boolean {
    const [output = ''] = node.outputs;
    if (!this.isOutput(output)) {
      this.remove(node);
      this.replaceUses(output, value);
      return true;
    }
    const maker = this.producer(value);
    if (maker === undefined || this.isOutput(value)) return false;
    this.remove(node);
    this.setOutput(maker, maker.outputs.indexOf(value), output);
    this.replaceUses(value, output);
    return true;
  }

  /** Nodes in order, those removed left out. To be called when all edits are done. */
  finish(): void {
    removeNodes(this.graph, this.#removed);
    if (this.#unordered) sortTopologically(this.graph);
  }

  #take(node: Node): void {
    for (const name of usedNames(node)) this.#takersOf(name).add(node);
  }

  #takersOf(name: string): Set<Node> {
    const takers = this.#takers.get(name) ?? new Set();
    this.#takers.set(name, takers);
    return takers;
  }
}
