import { int, intAttribute } from '../../ir/attributes.ts';
import type { DataType } from '../../ir/dtype.ts';
import type { Dim, Graph, Node } from '../../ir/graph.ts';
import type { TensorValue } from '../../ir/tensor.ts';

/** One node on its way to a newer definition, and what is known around it. */
export interface Upgrade {
  readonly node: Node;
  readonly graph: Graph;
  /** The opset that the model was written for. */
  readonly from: number;
  /** The constant that an input is, where it is one. */
  constant(input: number): TensorValue | undefined;
  dtype(input: number): DataType | undefined;
  /** Undefined where not even the rank is known. */
  shape(input: number): readonly Dim[] | undefined;
  /** Adds a constant and returns its name. */
  add(suffix: string, tensor: TensorValue): string;
  /** A name that is free for a new node or value. */
  fresh(suffix: string): string;
  isUsed(value: string): boolean;
  /** Ends the upgrade: says what stands in the way. */
  refuse(reason: string): never;
}

/** Rewrites a node in place, or returns the nodes that stand for it. */
export type Adapter = (upgrade: Upgrade) => readonly Node[] | undefined;

/** Takes an attribute off a node and returns it. */
export function take(node: Node, name: string) {
  const attribute = node.attributes.get(name);
  node.attributes.delete(name);
  return attribute;
}

/** Sets an input by position; inputs between are left out. */
export function setInput(node: Node, position: number, value: string): void {
  while (node.inputs.length < position) node.inputs.push('');
  node.inputs[position] = value;
}

/** Leaves attributes away that later definitions do not have. */
export function drop(...names: readonly string[]): Adapter {
  return ({ node }) => {
    for (const name of names) node.attributes.delete(name);
    return undefined;
  };
}

/** Writes down a default that later definitions changed. */
export function defaultInt(name: string, value: number): Adapter {
  return ({ node }) => {
    node.attributes.set(name, int(intAttribute(node, name, value)));
    return undefined;
  };
}
