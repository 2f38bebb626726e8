import { float, intAttribute, ints } from '../ir/attributes.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { factors, multiple, replacePattern, whyKept } from './pattern.ts';
import { rewritePass } from './rewrite.ts';
import { isInOrder, orderOf } from './transpose-rules.ts';

/** From this opset on there is an Attention. */
const ATTENTION = 23;

/**
 * Finds attention, softmax(scale · q kᵀ + mask) v over [batch, heads, length, size] (Vaswani et al.,
 * Attention Is All You Need, 2017). Below its opset the written form stays as it is: runtimes look
 * for it to fuse it by themselves.
 */
export const attention = rewritePass('attention', ['MatMul'], (node, editor) => {
  const found = attentionAt(node, editor);
  if (found === undefined) return undefined;
  if (editor.opset < ATTENTION) {
    const reason = `that begins with opset ${ATTENTION}, the model has ${editor.opset}`;
    return { declined: `is no Attention: ${reason}` };
  }
  const kept = whyKept(found.nodes, node, editor);
  if (kept !== undefined) return { declined: `is no Attention: ${kept}` };
  const { query, value, mask, scale } = found;
  const inputs = [query, keyOf(found, editor), value, ...(mask ? [mask] : [])];
  const attributes = [['scale', float(scale)]] as const;
  const whole = makeNode('Attention', node.name, inputs, node.outputs, attributes);
  replacePattern(found.nodes, node, whole, editor);
  return { did: 'is an Attention' };
});

interface Scores {
  readonly query: string;
  /** The Transpose that makes kᵀ; it may serve others, too. */
  readonly turned: Node;
  readonly mask: string | undefined;
  readonly scale: number;
  readonly nodes: readonly Node[];
}

interface Found extends Scores {
  readonly value: string;
}

function attentionAt(node: Node, editor: GraphEditor): Found | undefined {
  const [weights = '', value = ''] = node.inputs;
  const softmax = editor.producer(weights);
  if (!softmax || !isOp(softmax, 'Softmax') || !hasHeads(value, editor)) return undefined;
  const axis = intAttribute(softmax, 'axis', -1);
  if (axis !== -1 && axis !== 3) return undefined;
  const scores = maskedScores(softmax.inputs[0] ?? '', editor);
  if (scores && !isSameBatch([scores.query, scores.turned.outputs[0], value], editor))
    return undefined;
  return scores && { ...scores, value, nodes: [...scores.nodes, softmax] };
}

/** True where batch and heads are the same for all: products broadcast them, Attention does not. */
function isSameBatch(values: readonly (string | undefined)[], editor: GraphEditor): boolean {
  const [first, ...others] = values.map((value) => editor.shape(value)?.slice(0, 2));
  const known = first?.every((dim) => dim !== null) ?? false;
  return known && others.every((dims) => dims?.every((dim, axis) => dim === first?.[axis]));
}

function maskedScores(value: string, editor: GraphEditor): Scores | undefined {
  const plain = scaledScores(value, editor);
  const sum = editor.producer(value);
  if (plain !== undefined || sum === undefined || !isOp(sum, 'Add')) return plain;
  for (const [inner, mask] of factors(sum)) {
    const scores = scaledScores(inner, editor);
    if (scores && isMask(mask, inner, editor))
      return { ...scores, mask, nodes: [...scores.nodes, sum] };
  }
  return undefined;
}

/** One number for each pair of positions, the same for all batches or heads or for each its own. */
function isMask(mask: string, scores: string, editor: GraphEditor): boolean {
  const [own, all] = [editor.shape(mask), editor.shape(scores)];
  if (editor.dtype(mask) !== 'float32' || all?.length !== 4) return false;
  if (own === undefined || (own.length !== 2 && own.length !== 4)) return false;
  return own.every((dim, i) => {
    const at = i + 4 - own.length;
    return typeof dim === 'number' && (dim === all[at] || (dim === 1 && at < 2));
  });
}

/** scale · q kᵀ */
function scaledScores(value: string, editor: GraphEditor): Scores | undefined {
  const scaled = multiple(value, editor);
  const product = editor.producer(scaled?.value ?? value);
  if (product === undefined || !isOp(product, 'MatMul')) return undefined;
  const [query = '', key = ''] = product.inputs;
  const turned = editor.producer(key);
  if (!turned || !isOp(turned, 'Transpose') || !hasHeads(query, editor)) return undefined;
  if (orderOf(turned, editor)?.length !== 4) return undefined;
  const nodes = scaled ? [product, scaled.node] : [product];
  return { query, turned, mask: undefined, scale: scaled?.number ?? 1, nodes };
}

function hasHeads(value: string, editor: GraphEditor): boolean {
  return editor.shape(value)?.length === 4 && editor.dtype(value) === 'float32';
}

/** k as it was before its last two axes changed places. */
function keyOf({ turned }: Found, editor: GraphEditor): string {
  const [source = '', made = ''] = [turned.inputs[0], turned.outputs[0]];
  const [batch = 0, heads = 1, size = 3, length = 2] = orderOf(turned, editor) ?? [];
  const order = [batch, heads, length, size];
  if (isInOrder(order)) return source;
  const key = editor.fresh(`${made}_key`);
  const name = editor.fresh(`${turned.name}_key`);
  editor.add(makeNode('Transpose', name, [source], [key], [['perm', ints(order)]]));
  return key;
}
