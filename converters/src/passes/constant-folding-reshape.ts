import { intAttribute } from '../ir/attributes.ts';
import type { Namer } from '../ir/edit.ts';
import { type Dim, type Graph, isOp, type Node } from '../ir/graph.ts';
import { int64Tensor } from '../ir/tensor.ts';
import type { Facts } from '../ops/facts.ts';

/**
 * Gives a Reshape a constant shape where its computed one varies in a single size, which is then
 * written as −1, or in sizes that it copies from its input, written as 0. False where it does not.
 */
export function settleReshape(node: Node, graph: Graph, facts: Facts, namer: Namer): boolean {
  const [data = '', wanted = ''] = node.inputs;
  if (!isOp(node, 'Reshape') || graph.initializers.has(wanted)) return false;
  if (intAttribute(node, 'allowzero', 0) !== 0) return false;
  const target = targetOf(facts.get(wanted)?.elements, facts.get(data)?.shape);
  if (target === undefined) return false;
  const name = namer.fresh(`${node.name}_shape`);
  graph.initializers.set(name, int64Tensor([target.length], target));
  node.inputs = [data, name];
  return true;
}

function targetOf(
  wanted: readonly Dim[] | undefined,
  shape: readonly Dim[] | undefined,
): number[] | undefined {
  const target = wanted?.map((dim, axis) => {
    if (typeof dim === 'number') return dim;
    return dim !== null && dim === shape?.[axis] ? 0 : -1;
  });
  const clear = target?.every((dim, axis) => dim > 0 || typeof wanted![axis] !== 'number');
  const open = target?.filter((dim) => dim === -1).length ?? 2;
  return clear && open <= 1 ? target : undefined;
}
