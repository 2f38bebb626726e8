import { constantBytes } from '../ir/edit.ts';
import type { Graph } from '../ir/graph.ts';
import type { TensorValue } from '../ir/tensor.ts';
import type { Facts } from '../ops/facts.ts';

/** Of a graph in an attribute that its operator does not have: nothing is inferred there. */
export const NOTHING_KNOWN: Facts = new Map();

/** A folded constant may take this much, or as much as the constants it is made from. */
const MAX_GROWN_BYTES = 64 << 10;

/** True where a value of this many bytes may stand for nodes over constants of `sources` bytes. */
export function mayHold(bytes: number, sources: number): boolean {
  return bytes <= Math.max(MAX_GROWN_BYTES, sources);
}

/** What all constants of a model may take together, however small those of its file are. */
const LEAST_LIMIT = 32 << 20;

/** In terms of those of the file: float16 doubles when it is widened, and each weight may be turned. */
const GROWTH = 4;

/**
 * Bytes that folding may still add to the constants of a model. Values that are made of values
 * double step by step, so that without a limit a small file fills the memory.
 *
 * @param bytesBefore what the constants of the file took
 */
export function roomIn(root: Graph, bytesBefore: number): number {
  return Math.max(LEAST_LIMIT, GROWTH * bytesBefore) - constantBytes(root);
}

/** Constants of the graphs around, but for names that this graph makes anew. */
export function outerConstants(
  graph: Graph,
  outer: ReadonlyMap<string, TensorValue>,
): ReadonlyMap<string, TensorValue> {
  if (outer.size === 0) return outer;
  const constants = new Map(outer);
  for (const input of graph.inputs) constants.delete(input.name);
  for (const name of graph.nodes.flatMap((node) => node.outputs)) constants.delete(name);
  return constants;
}

/** These, and its own. */
export function visibleConstants(
  graph: Graph,
  outer: ReadonlyMap<string, TensorValue>,
): Map<string, TensorValue> {
  return new Map([...outerConstants(graph, outer), ...graph.initializers]);
}
