import { tensorAttribute } from '../ir/attributes.ts';
import type { DataType } from '../ir/dtype.ts';
import { subgraphsOf } from '../ir/edit.ts';
import { type Dim, type Graph, isOp, type Node, type ValueInfo } from '../ir/graph.ts';
import { isNumeric, type TensorValue } from '../ir/tensor.ts';
import { inferShape } from './infer-shapes.ts';
import { inferTypes } from './infer-types.ts';

/** What is known of a value before it is computed; `shape` is undefined where its rank is not known. */
export interface ValueFacts {
  readonly dtype?: DataType | undefined;
  readonly shape?: readonly Dim[] | undefined;
}

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
  const scopes = new Map<Graph, Scope>();
  inferGraph(root, options, new Scope(undefined), scopes);
  return scopes;
}

/** What is known within one graph; names not made there are looked up in the graph around it. */
class Scope implements Facts {
  readonly #parent: Scope | undefined;
  readonly #facts = new Map<string, ValueFacts>();
  readonly #constants = new Map<string, TensorValue>();

  constructor(parent: Scope | undefined) {
    this.#parent = parent;
  }

  get(value: string): ValueFacts | undefined {
    return this.#facts.get(value) ?? this.#parent?.get(value);
  }

  /** A constant of numbers, which rules for shapes may read. */
  constant(value: string): TensorValue | undefined {
    return this.#constants.get(value) ?? this.#parent?.constant(value);
  }

  set(value: string, facts: ValueFacts): void {
    this.#facts.set(value, facts);
  }

  setConstant(value: string, tensor: TensorValue): void {
    if (isNumeric(tensor.dtype)) this.#constants.set(value, tensor);
    this.#facts.set(value, { dtype: tensor.dtype, shape: tensor.dims });
  }
}

function inferGraph(
  graph: Graph,
  options: FactsOptions,
  scope: Scope,
  scopes: Map<Graph, Scope>,
): void {
  const nested = scopes.size > 0;
  scopes.set(graph, scope);
  for (const info of graph.inputs) {
    const facts = declaredFacts(info);
    scope.set(info.name, nested && !options.declared ? { dtype: facts.dtype } : facts);
  }
  for (const [name, value] of graph.initializers) scope.setConstant(name, value);
  const outputs = graph.outputs.map((info) => [info.name, info] as const);
  const declared = new Map(options.declared ? [...graph.valueInfo, ...outputs] : []);
  for (const node of graph.nodes) {
    for (const inner of subgraphsOf(node)) inferGraph(inner, options, new Scope(scope), scopes);
    inferNode(node, scope, scopes, declared);
  }
}

function inferNode(
  node: Node,
  scope: Scope,
  scopes: ReadonlyMap<Graph, Facts>,
  infos: ReadonlyMap<string, ValueInfo>,
): void {
  const constant = isOp(node, 'Constant') ? tensorAttribute(node, 'value') : undefined;
  if (constant && node.outputs[0]) {
    scope.setConstant(node.outputs[0], constant);
    return;
  }
  const inputs = node.inputs.map((name) => scope.get(name) ?? {});
  const types = inferTypes(node, inputs, scopes);
  const shape = inferShape(node, inputs, (i) => scope.constant(node.inputs[i] ?? ''));
  for (const [i, name] of node.outputs.entries()) {
    if (name === '') continue;
    const info = infos.get(name);
    const declared = info === undefined ? {} : declaredFacts(info);
    const inferred = i === 0 ? shape : undefined;
    scope.set(name, { dtype: types[i] ?? declared.dtype, shape: inferred ?? declared.shape });
  }
}

function declaredFacts({ type }: ValueInfo): ValueFacts {
  return type?.kind === 'tensor' ? { dtype: type.dtype, shape: type.shape } : {};
}
