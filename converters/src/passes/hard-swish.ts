import { float, floatAttribute } from '../ir/attributes.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { factors, isNear, multiple, replacePattern, whyKept, withNumber } from './pattern.ts';
import { type Outcome, rewritePass } from './rewrite.ts';

/** From this opset on there is a HardSwish. */
const HARD_SWISH = 14;

/**
 * Finds HardSigmoid, clip(x + 3, 0, 6) / 6, and HardSwish, the product of x with it, however they
 * are written (Howard et al., Searching for MobileNetV3, 2019).
 */
export const hardSwish = rewritePass('hard-swish', ['Mul', 'Div'], (node, editor) => {
  const product = hardProduct(node, editor);
  if (product !== undefined) return makeHardSwish(node, product, editor);
  const gate = hardGate(node.outputs[0], editor);
  if (gate === undefined || gate.share !== 1 || gate.nodes.length < 3) return undefined;
  const kept = whyKept(gate.nodes, node, editor);
  if (kept !== undefined) return { declined: `is no HardSigmoid: ${kept}` };
  const attributes = [
    ['alpha', float(1 / 6)],
    ['beta', float(0.5)],
  ] as const;
  const sigmoid = makeNode('HardSigmoid', node.name, [gate.value], node.outputs, attributes);
  replacePattern(gate.nodes, node, sigmoid, editor);
  return { did: 'is a HardSigmoid' };
});

/** A value that is `share` · clip(value / 6 + 1/2, 0, 1). */
interface Gate {
  readonly value: string;
  readonly share: number;
  readonly nodes: readonly Node[];
}

function hardGate(value: string | undefined, editor: GraphEditor): Gate | undefined {
  const plain = unscaledGate(value, editor);
  if (plain !== undefined) return plain;
  const scaled = multiple(value, editor);
  const inner = scaled && unscaledGate(scaled.value, editor);
  if (!scaled || !inner || !isNear(scaled.number * inner.share, 1)) return undefined;
  return { value: inner.value, share: 1, nodes: [...inner.nodes, scaled.node] };
}

function unscaledGate(value: string | undefined, editor: GraphEditor): Gate | undefined {
  const node = editor.producer(value);
  if (node && isOp(node, 'HardSigmoid')) {
    const slope = isNear(floatAttribute(node, 'alpha', 0.2), 1 / 6);
    const middle = isNear(floatAttribute(node, 'beta', 0.5), 0.5);
    return slope && middle ? { value: node.inputs[0] ?? '', share: 1, nodes: [node] } : undefined;
  }
  if (!node || !isOp(node, 'Clip')) return undefined;
  const [low, high] = [editor.scalar(node.inputs[1]), editor.scalar(node.inputs[2])];
  const sum = withNumber(node.inputs[0], 'Add', editor);
  if (low !== 0 || high !== 6 || sum?.number !== 3) return undefined;
  return { value: sum.value, share: 6, nodes: [sum.node, node] };
}

/** x · gate(x), and the sixth of x · 6 gate(x). */
function hardProduct(node: Node, editor: GraphEditor): Gate | undefined {
  const scaled = multiple(node.outputs[0], editor);
  const inner = scaled && editor.producer(scaled.value);
  const product = inner && isOp(inner, 'Mul') ? gatedBy(inner, editor) : undefined;
  if (scaled && inner && product && isNear(product.share * scaled.number, 1)) {
    return { ...product, nodes: [...product.nodes, inner] };
  }
  const own = isOp(node, 'Mul') ? gatedBy(node, editor) : undefined;
  return own?.share === 1 ? own : undefined;
}

function gatedBy(product: Node, editor: GraphEditor): Gate | undefined {
  for (const [value, gate] of factors(product)) {
    const found = hardGate(gate, editor);
    if (found?.value === value) return found;
    const sixth = multiple(value, editor);
    if (found && sixth?.value === found.value) {
      return { ...found, share: found.share * sixth.number, nodes: [...found.nodes, sixth.node] };
    }
  }
  return undefined;
}

function makeHardSwish(node: Node, { value, nodes }: Gate, editor: GraphEditor): Outcome {
  if (editor.opset < HARD_SWISH) {
    return {
      declined: `is no HardSwish: that begins with opset ${HARD_SWISH}, the model has ${editor.opset}`,
    };
  }
  const kept = whyKept(nodes, node, editor);
  if (kept !== undefined) return { declined: `is no HardSwish: ${kept}` };
  replacePattern(nodes, node, makeNode('HardSwish', node.name, [value], node.outputs), editor);
  return { did: 'is a HardSwish' };
}
