import { subgraphsOf } from '../ir/edit.ts';
import type { Dim, Graph, Node, ValueInfo } from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';
import { inferControlFlow } from './control-flow.ts';
import { elementsOfConstant, inferElements } from './elements.ts';
import { inferShapes } from './infer-shapes.ts';
import { inferTypes } from './infer-types.ts';
import { asSize, isSymbol } from './symbolic.ts';
import type { ValueFacts } from './value-facts.ts';

export type { ValueFacts } from './value-facts.ts';

export interface Facts {
  get(value: string): ValueFacts | undefined;
}

export interface FactsOptions {
  /**
   * True to believe the file's value information where a rule is missing. Exporters leave stale
   * shapes there, so whatever changes results must do without it.
   */
  readonly declared: boolean;
}

/**
 * Types and shapes of the values of a graph and of each graph nested in it, as far as a rule for
 * the operator is known. This is knowledge for passes, not a check of the model.
 */
export function inferFacts(root: Graph, options: FactsOptions): ReadonlyMap<Graph, Facts> {
  const inference = new Inference(options.declared);
  inference.infer(root, new Scope(undefined), root.inputs.map(declaredFacts));
  return inference.scopes;
}

/** What is known within one graph; names not made there are looked up in the graph around it. */
class Scope implements Facts {
  readonly depth: number;
  readonly #parent: Scope | undefined;
  readonly #facts = new Map<string, ValueFacts>();

  constructor(parent: Scope | undefined) {
    this.#parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
  }

  get(value: string): ValueFacts | undefined {
    return this.#facts.get(value) ?? this.#parent?.get(value);
  }

  set(value: string, facts: ValueFacts): void {
    this.#facts.set(value, facts);
  }
}

class Inference {
  readonly scopes = new Map<Graph, Scope>();
  readonly #declared: boolean;

  constructor(declared: boolean) {
    this.#declared = declared;
  }

  infer(graph: Graph, scope: Scope, inputs: readonly ValueFacts[]): Scope {
    this.scopes.set(graph, scope);
    for (const [i, info] of graph.inputs.entries()) scope.set(info.name, inputs[i] ?? {});
    for (const [name, value] of graph.initializers) scope.set(name, constantFacts(value));
    const infos = this.#declared ? declaredInfos(graph) : NO_INFOS;
    for (const node of graph.nodes) this.#inferNode(node, infos, scope);
    return scope;
  }

  #inferNode(node: Node, infos: ReadonlyMap<string, ValueInfo>, scope: Scope): void {
    const inputs = node.inputs.map((name) => scope.get(name) ?? {});
    const found = this.#inferOutputs(node, inputs, scope);
    for (const [i, name] of node.outputs.entries()) {
      if (name === '') continue;
      const info = infos.get(name);
      scope.set(name, info ? filledIn(found[i] ?? {}, declaredFacts(info)) : (found[i] ?? {}));
    }
  }

  #inferOutputs(node: Node, inputs: readonly ValueFacts[], scope: Scope): readonly ValueFacts[] {
    const inferBody = (body: Graph, values: readonly ValueFacts[]) =>
      this.#inferBody(body, values, scope);
    const { depth } = scope;
    const flow = inferControlFlow({ node, inputs, infer: inferBody, depth });
    if (flow !== undefined) return flow;
    for (const body of subgraphsOf(node)) inferBody(body, []);
    const call = { node, inputs };
    const [types, shapes] = [inferTypes(call), inferShapes(call)];
    const elements = inferElements(call, types, shapes);
    return node.outputs.map((_, i) => ({
      dtype: types[i],
      shape: shapes[i],
      elements: elements[i],
    }));
  }

  /** What the file says of a body's inputs counts as little as other value information. */
  #inferBody(body: Graph, values: readonly ValueFacts[], parent: Scope): Scope {
    const inputs = body.inputs.map((info, i) => {
      const declared = declaredFacts(info);
      const known = values[i] ?? {};
      return this.#declared
        ? filledIn(known, declared)
        : { ...known, dtype: known.dtype ?? declared.dtype };
    });
    return this.infer(body, new Scope(parent), inputs);
  }
}

function constantFacts(value: TensorValue): ValueFacts {
  return { dtype: value.dtype, shape: value.dims, elements: elementsOfConstant(value) };
}

const NO_INFOS: ReadonlyMap<string, ValueInfo> = new Map();

function declaredInfos(graph: Graph): ReadonlyMap<string, ValueInfo> {
  return new Map([...graph.outputs.map((info) => [info.name, info] as const), ...graph.valueInfo]);
}

/** What was found out, and what the file says where nothing was. */
function filledIn(found: ValueFacts, declared: ValueFacts): ValueFacts {
  const fits = declared.shape?.length === found.shape?.length;
  const shape = fits ? found.shape?.map((dim, i) => dim ?? declared.shape![i]!) : found.shape;
  return { ...found, dtype: found.dtype ?? declared.dtype, shape: shape ?? declared.shape };
}

function declaredFacts({ type }: ValueInfo): ValueFacts {
  if (type?.kind !== 'tensor') return {};
  return { dtype: type.dtype, shape: type.shape?.map(declaredSize) };
}

function declaredSize(dim: Dim): Dim {
  return typeof dim === 'string' ? (isSymbol(dim) ? dim : null) : asSize(dim);
}
