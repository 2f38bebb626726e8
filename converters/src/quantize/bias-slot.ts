import type { GraphIndex } from '../ir/edit.ts';
import { type Graph, isOp, type Node } from '../ir/graph.ts';
import { elementCount, toFloats } from '../ir/tensor.ts';

/** The input of a node that a product's bias is. */
export interface BiasSlot {
  readonly node: Node;
  readonly input: number;
}

/**
 * Where a product with constant weights has its bias, or could have one: a MatMul in the Add behind
 * it, which runtimes join with it. Undefined where there is no such place.
 */
export function biasSlot(product: Node, graph: Graph, index: GraphIndex): BiasSlot | undefined {
  if (!isOp(product, 'MatMul')) return { node: product, input: 2 };
  const [value = ''] = product.outputs;
  const [node] = index.consumers.get(value) ?? [];
  const [, channels, ...more] = graph.initializers.get(product.inputs[1] ?? '')?.dims ?? [];
  if (node === undefined || !isOp(node, 'Add')) return undefined;
  if (channels === undefined || more.length > 0) return undefined;
  if (index.consumers.get(value)?.length !== 1 || index.outputs.has(value)) return undefined;
  const input = node.inputs[0] === value ? 1 : 0;
  const bias = graph.initializers.get(node.inputs[input] ?? '');
  if (bias?.dims.at(-1) !== channels || elementCount(bias) !== channels) return undefined;
  const usable = bias.dtype === 'float32' && toFloats(bias).every(Number.isFinite);
  return usable ? { node, input } : undefined;
}
