import { FlotillaError } from '@flotilla/protocol';
import { allGraphs, createNamer, type Namer, subgraphsOf } from './edit.ts';
import { expandCall } from './expand-call.ts';
import { NO_EXTRA } from './extra.ts';
import { callKey, callsByFunction, functionKey, withNested } from './function-calls.ts';
import { type Graph, type Model, type ModelFunction, makeGraph, type Node } from './graph.ts';
import { graphFault } from './validate.ts';

/** Calls of calls double with each level: a model that would grow beyond this keeps them. */
const MAX_NODES = 1 << 20;

/** Functions that call functions that call… Exporters nest modules, a dozen deep. */
const MAX_DEPTH = 100;
const TOO_DEEP = `calls are nested over ${MAX_DEPTH} deep`;

/** True where an operator of ai.onnx means the same at two opsets. */
export type Unchanged = (op: string, from: number, to: number) => boolean;

export interface Inlined {
  /** Names of the calls that were replaced, and of the functions that they called. */
  readonly calls: readonly { readonly node: string; readonly function: string }[];
  /** Why calls were left: the function, and the reason. */
  readonly declined: readonly string[];
}

/**
 * Replaces calls of the model's own functions by their bodies, in nested graphs too, and drops the
 * functions that nothing calls any more.
 *
 * @param unchanged a function for another opset than the model's stays, unless its operators mean
 * the same in both
 * @throws FlotillaError `model.graph-invalid` where a function calls itself (ONNX IR.md,
 * functions) or a call does not fit its function
 */
export function inlineFunctions(model: Model, unchanged: Unchanged): Inlined {
  if (model.functions.length === 0) return { calls: [], declined: [] };
  const functions = new Map(model.functions.map((each) => [functionKey(each), each]));
  const nodes = countExpanded(model, functions);
  const declined = new Map<string, string>();
  for (const [key, each] of functions) {
    const reason =
      nodes > MAX_NODES ? `the model would have ${nodes} nodes` : obstacle(model, each, unchanged);
    if (reason !== undefined) declined.set(key, `function ${each.name} stays: ${reason}`);
  }
  const inliner = new Inliner(model, functions, new Set(declined.keys()));
  inliner.expandGraph(model.graph);
  dropUncalled(model);
  const left = new Set(model.functions.map(functionKey));
  return {
    calls: inliner.calls,
    declined: [...declined].flatMap(([key, reason]) => (left.has(key) ? [reason] : [])),
  };
}

/** Why the body of a function would mean something else, or nothing, in the model's graph. */
function obstacle(
  model: Model,
  { opsets, nodes }: ModelFunction,
  unchanged: Unchanged,
): string | undefined {
  for (const { op, domain } of withNested(nodes)) {
    const [own, models] = [opsets.get(domain), model.opsets.get(domain)];
    if (own === undefined || models === undefined || own === models) continue;
    if (domain === '' && unchanged(op, own, models)) continue;
    return `its ${op} is that of opset ${own} of ${domain || 'ai.onnx'}, the model is of ${models}`;
  }
  return undefined;
}

/** Nodes of the model with all calls replaced. @throws FlotillaError for a function that calls itself */
function countExpanded(model: Model, functions: ReadonlyMap<string, ModelFunction>): number {
  const known = new Map<string, Expanded>();
  const open: string[] = [];
  const sumOf = (nodes: readonly Node[]): Expanded => {
    const parts = withNested(nodes).map((node) => expandedOf(callKey(node)));
    return parts.reduce(joined, { nodes: 0, depth: 0 });
  };
  const expandedOf = (key: string): Expanded => {
    const body = functions.get(key);
    if (body === undefined) return { nodes: 1, depth: 0 };
    if (open.includes(key)) throw invalid(model, `function ${body.name} calls itself`);
    if (open.length > MAX_DEPTH) throw invalid(model, TOO_DEEP);
    open.push(key);
    const within = known.get(key) ?? sumOf(body.nodes);
    open.pop();
    known.set(key, within);
    if (within.depth >= MAX_DEPTH) throw invalid(model, TOO_DEEP);
    return { ...within, depth: within.depth + 1 };
  };
  for (const key of functions.keys()) expandedOf(key);
  return sumOf(model.graph.nodes).nodes;
}

/** What comes of nodes with all calls in them replaced, and how deep calls were nested. */
interface Expanded {
  readonly nodes: number;
  readonly depth: number;
}

function joined(a: Expanded, b: Expanded): Expanded {
  return { nodes: a.nodes + b.nodes, depth: Math.max(a.depth, b.depth) };
}

class Inliner {
  readonly calls: { node: string; function: string }[] = [];
  readonly #model: Model;
  readonly #functions: ReadonlyMap<string, ModelFunction>;
  readonly #declined: ReadonlySet<string>;
  readonly #namer: Namer;
  readonly #checked = new Set<string>();

  constructor(
    model: Model,
    functions: ReadonlyMap<string, ModelFunction>,
    declined: ReadonlySet<string>,
  ) {
    this.#model = model;
    this.#functions = functions;
    this.#declined = declined;
    this.#namer = createNamer(model.graph);
  }

  #check(key: string, body: ModelFunction): void {
    if (this.#checked.has(key)) return;
    const fault = bodyFault(body);
    if (fault !== undefined) throw invalid(this.#model, `in function ${body.name}, ${fault}`);
    this.#checked.add(key);
  }

  expandGraph(graph: Graph): void {
    graph.nodes = graph.nodes.flatMap((node) => this.#expand(node));
  }

  #expand(node: Node): Node[] {
    const key = callKey(node);
    const body = this.#functions.get(key);
    if (body === undefined || this.#declined.has(key)) {
      for (const graph of subgraphsOf(node)) this.expandGraph(graph);
      return [node];
    }
    this.#check(key, body);
    const expanded = expandCall(node, body, this.#namer);
    if (typeof expanded === 'string') throw invalid(this.#model, expanded);
    this.calls.push({ node: node.name, function: body.name });
    for (const [domain, version] of body.opsets) {
      if (!this.#model.opsets.has(domain)) this.#model.opsets.set(domain, version);
    }
    return expanded.flatMap((each) => this.#expand(each));
  }
}

/** What is wrong with the body of a function, taken for a graph; undefined where nothing is. */
function bodyFault({ name, inputs, outputs, nodes }: ModelFunction): string | undefined {
  const infos = (names: readonly string[]) =>
    names.map((each) => ({ name: each, type: undefined, extra: NO_EXTRA }));
  return graphFault({ ...makeGraph(name, infos(inputs), infos(outputs)), nodes: [...nodes] });
}

/** Functions stay that a call reaches; all where a training graph, which is not read, may call them. */
function dropUncalled(model: Model): void {
  if (model.extra.fields.trainingInfo !== undefined) return;
  const calls = callsByFunction(model.functions);
  const reached = new Set<string>();
  const next = allGraphs(model.graph).flatMap(({ nodes }) => nodes.map(callKey));
  for (let key = next.pop(); key !== undefined; key = next.pop()) {
    if (reached.has(key)) continue;
    reached.add(key);
    for (const called of calls.get(key) ?? []) next.push(called);
  }
  model.functions = model.functions.filter((each) => reached.has(functionKey(each)));
}

function invalid({ graph }: Model, reason: string): FlotillaError {
  return new FlotillaError('model.graph-invalid', { graph: graph.name, reason });
}
