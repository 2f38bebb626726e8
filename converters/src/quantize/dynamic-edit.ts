import type { Namer } from '../ir/edit.ts';
import type { Graph, Node } from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';
import type { Constants, FoundConstant } from './constants.ts';

/** The rewriting of one graph, under way. */
export interface DynamicEdit {
  readonly graph: Graph;
  readonly constants: Constants;
  readonly namer: Namer;
  /** What was made of a graph's constants, by name and use; shared by all graphs of the model. */
  readonly made: Map<Graph, Map<string, readonly string[]>>;
  /** Quantized form of each value of this graph: integers, scale, zero point. */
  readonly quantized: Map<string, readonly [values: string, scale: string, zeroPoint: string]>;
}

/** What becomes of a node, or the reason why it stays as it is. */
export type Rewrite = readonly Node[] | string;

/**
 * Names of the constants made of one, in the graph that holds it. Made once for each `use`,
 * however many nodes take it.
 */
export function derive(
  { made, namer }: DynamicEdit,
  name: string,
  { home }: FoundConstant,
  use: string,
  make: () => Readonly<Record<string, TensorValue>>,
): readonly string[] {
  const uses = made.get(home) ?? new Map<string, readonly string[]>();
  made.set(home, uses);
  const key = `${use}\0${name}`;
  const known = uses.get(key);
  if (known !== undefined) return known;
  const names = Object.entries(make()).map(([suffix, value]) => {
    const fresh = namer.fresh(`${name}_${suffix}`);
    home.initializers.set(fresh, value);
    return fresh;
  });
  uses.set(key, names);
  return names;
}
