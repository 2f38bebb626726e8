import { string } from '../ir/attributes.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { factors, isNear, multiple, replacePattern, whyKept, withNumber } from './pattern.ts';
import { rewritePass } from './rewrite.ts';

/** From this opset on there is a Gelu. */
const GELU = 20;

interface Found {
  readonly value: string;
  readonly nodes: readonly Node[];
}

/**
 * Finds Gelu, x · Φ(x), written out: ½ x (1 + erf(x / √2)), and its approximation
 * ½ x (1 + tanh(√(2/π) (x + 0.044715 x³))) (Hendrycks and Gimpel, Gaussian Error Linear Units, 2016).
 */
export const gelu = rewritePass('gelu', ['Mul'], (node, editor) => {
  const exact = halved(node, editor, errorFunction);
  const found = exact ?? halved(node, editor, hyperbolic);
  if (found === undefined) return undefined;
  if (editor.opset < GELU) {
    return {
      declined: `is no Gelu: that begins with opset ${GELU}, the model has ${editor.opset}`,
    };
  }
  const kept = whyKept(found.nodes, node, editor);
  if (kept !== undefined) return { declined: `is no Gelu: ${kept}` };
  const attributes = [['approximate', string(exact ? 'none' : 'tanh')]] as const;
  replacePattern(
    found.nodes,
    node,
    makeNode('Gelu', node.name, [found.value], node.outputs, attributes),
    editor,
  );
  return { did: exact ? 'is a Gelu' : 'is a Gelu by tanh' };
});

type Inner = (value: string, editor: GraphEditor) => Found | undefined;

/** ½ · x · (1 + f(x)), in any order of the factors. */
function halved(last: Node, editor: GraphEditor, inner: Inner): Found | undefined {
  const half = withNumber(last.outputs[0], 'Mul', editor);
  if (half !== undefined && isNear(half.number, 0.5)) {
    const product = editor.producer(half.value);
    const found = product && isOp(product, 'Mul') ? gated(product, editor, inner) : undefined;
    return found && product && { ...found, nodes: [...found.nodes, product] };
  }
  for (const [value, other] of factors(last)) {
    const scaled = withNumber(other, 'Mul', editor);
    if (scaled !== undefined && isNear(scaled.number, 0.5)) {
      const gate = onePlus(scaled.value, editor, inner);
      if (gate?.value === value) return { ...gate, nodes: [...gate.nodes, scaled.node] };
      const own = onePlus(value, editor, inner);
      if (own?.value === scaled.value) return { ...own, nodes: [...own.nodes, scaled.node] };
    }
  }
  return undefined;
}

/** x · (1 + f(x)) */
function gated(product: Node, editor: GraphEditor, inner: Inner): Found | undefined {
  for (const [value, gate] of factors(product)) {
    const found = onePlus(gate, editor, inner);
    if (found?.value === value) return found;
  }
  return undefined;
}

function onePlus(value: string, editor: GraphEditor, inner: Inner): Found | undefined {
  const sum = withNumber(value, 'Add', editor);
  const found = sum && isNear(sum.number, 1) ? inner(sum.value, editor) : undefined;
  return sum && found && { ...found, nodes: [...found.nodes, sum.node] };
}

function errorFunction(value: string, editor: GraphEditor): Found | undefined {
  const erf = editor.producer(value);
  if (erf === undefined || !isOp(erf, 'Erf')) return undefined;
  const scaled = multiple(erf.inputs[0], editor);
  if (scaled === undefined || !isNear(scaled.number, Math.SQRT1_2)) return undefined;
  return { value: scaled.value, nodes: [erf, scaled.node] };
}

function hyperbolic(value: string, editor: GraphEditor): Found | undefined {
  const tanh = editor.producer(value);
  if (tanh === undefined || !isOp(tanh, 'Tanh')) return undefined;
  const scaled = multiple(tanh.inputs[0], editor);
  if (scaled === undefined || !isNear(scaled.number, Math.sqrt(2 / Math.PI))) return undefined;
  const sum = editor.producer(scaled.value);
  if (sum === undefined || !isOp(sum, 'Add')) return undefined;
  for (const [x, other] of factors(sum)) {
    const term = multiple(other, editor);
    const cube = term && isNear(term.number, 0.044715) ? cubeOf(term.value, x, editor) : undefined;
    if (term && cube) return { value: x, nodes: [tanh, scaled.node, sum, term.node, ...cube] };
  }
  return undefined;
}

/** The nodes that make x³, as a power or by products. */
function cubeOf(value: string, x: string, editor: GraphEditor): readonly Node[] | undefined {
  const power = withNumber(value, 'Pow', editor);
  if (power?.number === 3 && power.value === x) return [power.node];
  const product = editor.producer(value);
  if (product === undefined || !isOp(product, 'Mul')) return undefined;
  for (const [a, b] of factors(product)) {
    const square = editor.producer(b);
    const squares = square && isOp(square, 'Mul') && square.inputs.every((name) => name === x);
    if (a === x && square && squares) return [product, square];
  }
  return undefined;
}
