import { intsAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import { bypassAll } from './bypass.ts';
import type { Pass } from './pass.ts';

/** Removes Identity, and operators that do nothing as they stand: a sum of one, a transpose in order. */
export const identityRemoval: Pass = {
  name: 'identity-removal',
  run: (model) => ({ changed: bypassAll(model.graph, isNoop) }),
};

function isNoop(node: Node): boolean {
  if (node.outputs.length !== 1) return false;
  if (isOp(node, 'Identity')) return true;
  if (isOp(node, 'Sum', 'Mean', 'Max', 'Min', 'Concat')) return node.inputs.length === 1;
  if (!isOp(node, 'Transpose')) return false;
  const order = intsAttribute(node, 'perm', undefined);
  return order?.every((axis, position) => axis === position) ?? false;
}
