import { byteSize } from '../ir/dtype.ts';
import { indexGraph, subgraphsOf } from '../ir/edit.ts';
import type { Graph, Node } from '../ir/graph.ts';
import { byteLength } from '../ir/stored.ts';
import { elementCount, type TensorValue } from '../ir/tensor.ts';
import { type Facts, inferFacts, type ValueFacts } from '../ops/facts.ts';
import { isReadable } from '../ops/runtime-tensors.ts';
import { isFoldable, workOf } from './constant-folding-rules.ts';
import { mayHold, NOTHING_KNOWN, visibleConstants } from './constant-folding-scope.ts';

/** Constants and results that one run holds at a time. */
const MAX_RUN_BYTES = 256 << 20;

/** Multiplications that one run does: some seconds on a small machine. */
const MAX_RUN_WORK = 4e9;

/** Nodes of one graph that depend on constants alone, in order, and those of their values that others take. */
export interface Batch {
  readonly graph: Graph;
  readonly nodes: readonly Node[];
  /** Constants of this graph and of those around it. */
  readonly constants: ReadonlyMap<string, TensorValue>;
  readonly wanted: ReadonlySet<string>;
}

/** What is left of what one run may take. */
interface Budget {
  bytes: number;
  work: number;
  /** Bytes of results. */
  room: number;
}

/**
 * Nodes that a run can stand for, in all graphs of a model. What a result takes is known from its
 * shape, before anything is run: one that is much larger than the constants it is made from stays,
 * and gets a line in `declined`.
 */
export function planBatches(root: Graph, room: number, declined: Set<string>): Batch[] {
  const scopes = inferFacts(root, { declared: false });
  const budget = { bytes: MAX_RUN_BYTES, work: MAX_RUN_WORK, room };
  const batches: Batch[] = [];
  const visit = (graph: Graph, outer: ReadonlyMap<string, TensorValue>) => {
    const constants = visibleConstants(graph, outer);
    const plan = new BatchPlan(graph, constants, scopes.get(graph) ?? NOTHING_KNOWN, budget);
    for (const node of graph.nodes) {
      const fault = plan.add(node);
      if (fault !== undefined) declined.add(`${node.op} ${node.name}: ${fault}`);
      for (const inner of subgraphsOf(node)) visit(inner, constants);
    }
    if (plan.nodes.length > 0) batches.push(plan.batch());
  };
  visit(root, new Map());
  return batches;
}

class BatchPlan {
  readonly nodes: Node[] = [];
  readonly #graph: Graph;
  readonly #constants: ReadonlyMap<string, TensorValue>;
  readonly #facts: Facts;
  readonly #budget: Budget;
  readonly #outputs: ReadonlySet<string>;
  /** Bytes of the constants that each planned value is made from. */
  readonly #sources = new Map<string, number>();

  constructor(
    graph: Graph,
    constants: ReadonlyMap<string, TensorValue>,
    facts: Facts,
    budget: Budget,
  ) {
    this.#graph = graph;
    this.#constants = constants;
    this.#facts = facts;
    this.#budget = budget;
    this.#outputs = new Set(graph.outputs.map((output) => output.name));
  }

  /** Takes a node in where it can be folded. Says why not, where that is its size. */
  add(node: Node): string | undefined {
    const inputs = [...new Set(node.inputs)].filter((name) => name !== '');
    const ready = inputs.every((name) => this.#constants.has(name) || this.#sources.has(name));
    const shown = node.outputs.some((name) => this.#outputs.has(name));
    if (!ready || shown) return undefined;
    const sources = inputs.reduce((sum, name) => sum + this.#sourceBytes(name), 0);
    const results = node.outputs
      .filter((name) => name !== '')
      .map((name) => sizeOf(this.#facts.get(name)));
    const known = results.filter((bytes) => bytes !== undefined);
    const large = known.find((bytes) => !mayHold(bytes, sources));
    if (large !== undefined) {
      return `its result would take ${large} bytes in place of ${sources}`;
    }
    if (!isFoldable(node) || known.length !== results.length || results.length === 0) {
      return undefined;
    }
    const shapes = node.inputs.map((name) => this.#facts.get(name)?.shape);
    const work = workOf(node, shapes, this.#facts.get(node.outputs[0]!)?.shape);
    const made = known.reduce((sum, each) => sum + each, 0);
    const bytes = sources + made;
    const { bytes: most, work: longest, room } = this.#budget;
    if (bytes > most || work > longest || made > room) {
      return 'computing it would take too long, or too much memory';
    }
    this.#budget.room -= made;
    this.#budget.bytes -= bytes;
    this.#budget.work -= work;
    for (const name of node.outputs) this.#sources.set(name, sources);
    this.nodes.push(node);
    return undefined;
  }

  batch(): Batch {
    const planned = new Set(this.nodes);
    const { consumers } = indexGraph(this.#graph);
    const taken = (name: string) => consumers.get(name)?.some((node) => !planned.has(node));
    const wanted = this.nodes.flatMap((node) => node.outputs).filter(taken);
    return {
      graph: this.#graph,
      nodes: this.nodes,
      constants: this.#constants,
      wanted: new Set(wanted),
    };
  }

  #sourceBytes(name: string): number {
    const constant = this.#constants.get(name);
    return constant ? byteLength(constant) : (this.#sources.get(name) ?? 0);
  }
}

/** Bytes of a value that can be read from a run, or undefined where they are not known before. */
function sizeOf(facts: ValueFacts | undefined): number | undefined {
  const { dtype, shape } = facts ?? {};
  const dims = shape?.filter((dim) => typeof dim === 'number');
  if (!dtype || !isReadable(dtype) || !dims || dims.length !== shape?.length) return undefined;
  return byteSize(dtype, elementCount({ dims }));
}
