import { type Dim, isOp, makeNode, type Node } from '../ir/graph.ts';
import { int64Tensor } from '../ir/tensor.ts';
import type { GraphEditor } from './editor.ts';
import { type Outcome, rewritePass } from './rewrite.ts';

/** Operators that give elements in the same order another shape. */
const RESHAPES = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'];

/**
 * Makes one Reshape of a chain of Reshape, Flatten, Squeeze and Unsqueeze, or none where the chain
 * comes back to where it began.
 */
export const reshapeElimination = rewritePass('reshape-elimination', RESHAPES, (node, editor) => {
  const [input = ''] = node.inputs;
  const [output = ''] = node.outputs;
  const before = editor.producer(input);
  if (before === undefined || !isOp(before, ...RESHAPES)) return undefined;
  const [source = ''] = before.inputs;
  const [from, to] = [editor.shape(source), editor.shape(output)];
  if (from && to && isSameShape(from, to)) {
    return editor.bypass(node, source)
      ? { did: `undoes ${before.op} ${JSON.stringify(before.name)}` }
      : { declined: 'stays: it stands between an input and an output' };
  }
  const seen = editor.seenElsewhere(input);
  if (seen !== undefined) return { declined: `is not merged with ${before.op} before it: ${seen}` };
  return merge(node, before, to, editor);
});

function merge(
  node: Node,
  before: Node,
  to: readonly Dim[] | undefined,
  editor: GraphEditor,
): Outcome {
  const wanted = to && shapeConstant(to);
  if (wanted === undefined) {
    return {
      declined: `is not merged with ${before.op} before it: the shape is known at run time`,
    };
  }
  const [output = ''] = node.outputs;
  const shape = editor.addConstant(`${output}_shape`, int64Tensor([wanted.length], wanted));
  const merged = makeNode('Reshape', node.name, [before.inputs[0] ?? '', shape], [output]);
  editor.remove(node);
  editor.remove(before);
  editor.add(merged);
  return { did: `with ${before.op} ${JSON.stringify(before.name)} before it` };
}

/**
 * The shape input of a Reshape: -1 for the one size that may be open. Undefined where more are, or
 * where a size is 0, which Reshape reads as "the same as before".
 */
export function shapeConstant(shape: readonly Dim[]): readonly number[] | undefined {
  const open = shape.filter((dim) => typeof dim !== 'number').length;
  if (open > 1 || shape.includes(0)) return undefined;
  return shape.map((dim) => (typeof dim === 'number' ? dim : -1));
}

/** True where all sizes are known, or named alike, but for one that the others imply. */
export function isSameShape(a: readonly Dim[], b: readonly Dim[]): boolean {
  if (a.length !== b.length) return false;
  const open = a.filter((dim, i) => dim === null || dim !== b[i]);
  const clear = a.every(
    (dim, i) => dim === b[i] || typeof dim !== 'number' || typeof b[i] !== 'number',
  );
  return open.length === 0 || (open.length === 1 && clear && !a.includes(0) && !b.includes(0));
}
