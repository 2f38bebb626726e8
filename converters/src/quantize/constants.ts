import { tensorAttribute } from '../ir/attributes.ts';
import { subgraphsOf } from '../ir/edit.ts';
import { type Graph, isOp } from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';

/** A constant, and the graph that holds it: a branch may take one from the graphs around it. */
export interface FoundConstant {
  readonly tensor: TensorValue;
  readonly home: Graph;
}

/** Constants as they are seen from within one graph. */
export interface Constants {
  get(name: string): FoundConstant | undefined;
}

/** Initializers and `Constant` nodes by name, for a graph and each graph nested in it. */
export function constantsOf(root: Graph): ReadonlyMap<Graph, Constants> {
  const scopes = new Map<Graph, Scope>();
  collect(root, undefined, scopes);
  return scopes;
}

function collect(graph: Graph, parent: Scope | undefined, scopes: Map<Graph, Scope>): void {
  const scope = new Scope(graph, parent);
  scopes.set(graph, scope);
  for (const inner of graph.nodes.flatMap(subgraphsOf)) collect(inner, scope, scopes);
}

class Scope implements Constants {
  readonly #parent: Scope | undefined;
  /** Undefined for a name that is taken here, but not by a constant. */
  readonly #own = new Map<string, FoundConstant | undefined>();

  constructor(graph: Graph, parent: Scope | undefined) {
    this.#parent = parent;
    for (const { name } of graph.inputs) this.#own.set(name, undefined);
    for (const node of graph.nodes) {
      for (const name of node.outputs) this.#own.set(name, undefined);
      const tensor = isOp(node, 'Constant') ? tensorAttribute(node, 'value') : undefined;
      const [name] = node.outputs;
      if (tensor && name) this.#own.set(name, { tensor, home: graph });
    }
    for (const [name, tensor] of graph.initializers) this.#own.set(name, { tensor, home: graph });
  }

  get(name: string): FoundConstant | undefined {
    return this.#own.has(name) ? this.#own.get(name) : this.#parent?.get(name);
  }
}
