import { float, int, intAttribute, intsAttribute } from '../ir/attributes.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import type { GraphEditor } from './editor.ts';
import { addsAxes, factors, replacePattern, whyKept, withNumber } from './pattern.ts';
import { rewritePass } from './rewrite.ts';

/** From these opsets on there is a LayerNormalization, a RMSNormalization. */
const LAYER_NORM = 17;
const RMS_NORM = 23;

/**
 * Finds LayerNormalization, (x − mean) / √(variance + ε) · γ + β over the last axis (Ba et al., Layer
 * Normalization, 2016), and RMSNormalization, the same without mean and β (Zhang and Sennrich, 2019).
 */
export const layerNorm = rewritePass('layer-norm', ['Mul'], (node, editor) => {
  const found = scaledNorm(node, editor);
  if (found === undefined) return undefined;
  const op = found.centered ? 'LayerNormalization' : 'RMSNormalization';
  const since = found.centered ? LAYER_NORM : RMS_NORM;
  if (editor.opset < since) {
    return {
      declined: `is no ${op}: that begins with opset ${since}, the model has ${editor.opset}`,
    };
  }
  const kept = whyKept(found.nodes, node, editor);
  if (kept !== undefined) return { declined: `is no ${op}: ${kept}` };
  const shift = found.centered ? biasBehind(node, found.width, editor) : undefined;
  const last = shift?.node ?? node;
  const inputs = [found.value, found.gamma, ...(shift ? [shift.bias] : [])];
  const attributes = [
    ['axis', int(-1)],
    ['epsilon', float(found.epsilon)],
  ] as const;
  const inner = [...found.nodes, node];
  replacePattern(inner, last, makeNode(op, node.name, inputs, last.outputs, attributes), editor);
  return { did: `is a ${op}` };
});

interface Norm {
  readonly value: string;
  readonly epsilon: number;
  /** False where no mean is taken off. */
  readonly centered: boolean;
  readonly nodes: readonly Node[];
}

interface ScaledNorm extends Norm {
  readonly gamma: string;
  readonly width: number;
}

/** norm(x) · γ, where γ is a constant for each element of the last axis. */
function scaledNorm(node: Node, editor: GraphEditor): ScaledNorm | undefined {
  for (const [normed, gamma] of factors(node)) {
    const dims = editor.constant(gamma)?.dims;
    const norm = dims?.length === 1 ? normOf(normed, editor) : undefined;
    const width = norm && editor.shape(norm.value)?.at(-1);
    if (
      norm &&
      typeof width === 'number' &&
      width === dims?.[0] &&
      editor.dtype(norm.value) === editor.dtype(gamma)
    ) {
      return { ...norm, gamma, width };
    }
  }
  return undefined;
}

/** (x − mean) / √(mean of squares + ε); also as a product with the inverse of the root. */
function normOf(value: string, editor: GraphEditor): Norm | undefined {
  const division = editor.producer(value);
  if (division === undefined) return undefined;
  if (isOp(division, 'Div')) {
    const [numerator = '', root = ''] = division.inputs;
    return rootOf(numerator, root, [division], editor);
  }
  if (!isOp(division, 'Mul')) return undefined;
  for (const [numerator, inverse] of factors(division)) {
    const reciprocal = inverseOf(inverse, editor);
    const found =
      reciprocal && rootOf(numerator, reciprocal.root, [division, reciprocal.node], editor);
    if (found !== undefined) return found;
  }
  return undefined;
}

function inverseOf(
  value: string,
  editor: GraphEditor,
): { readonly node: Node; readonly root: string } | undefined {
  const node = editor.producer(value);
  if (node && isOp(node, 'Reciprocal')) return { node, root: node.inputs[0] ?? '' };
  if (node === undefined || !isOp(node, 'Div')) return undefined;
  const [one = '', root = ''] = node.inputs;
  return editor.scalar(one) === 1 && !addsAxes(one, root, editor) ? { node, root } : undefined;
}

function rootOf(
  numerator: string,
  rootValue: string,
  outer: readonly Node[],
  editor: GraphEditor,
): Norm | undefined {
  const root = editor.producer(rootValue);
  const sum = root && isOp(root, 'Sqrt') ? withNumber(root.inputs[0], 'Add', editor) : undefined;
  const mean = sum && lastMean(sum.value, editor);
  const square = mean && squareOf(mean.inputs[0], editor);
  if (!root || !sum || !mean || !square || !(sum.number > 0)) return undefined;
  const nodes = [...outer, root, sum.node, mean, square.node];
  const difference = differenceOf(numerator, editor);
  const epsilon = sum.number;
  if (difference === undefined) {
    const plain = square.value === numerator;
    return plain ? { value: numerator, epsilon, centered: false, nodes } : undefined;
  }
  const again = square.value === numerator ? difference : differenceOf(square.value, editor);
  if (again?.value !== difference.value) return undefined;
  const all = [...nodes, ...difference.nodes, ...again.nodes];
  return { value: difference.value, epsilon, centered: true, nodes: all };
}

/** A ReduceMean over the last axis that keeps it. */
function lastMean(value: string | undefined, editor: GraphEditor): Node | undefined {
  const node = editor.producer(value);
  if (node === undefined || !isOp(node, 'ReduceMean')) return undefined;
  const rank = editor.shape(node.inputs[0])?.length ?? Number.NaN;
  const axes = intsAttribute(node, 'axes', undefined) ?? [
    ...(editor.numbers(node.inputs[1]) ?? []),
  ];
  const last = axes.length === 1 && (axes[0] === -1 || axes[0] === rank - 1);
  return last && intAttribute(node, 'keepdims', 1) === 1 ? node : undefined;
}

function squareOf(
  value: string | undefined,
  editor: GraphEditor,
): { readonly node: Node; readonly value: string } | undefined {
  const power = withNumber(value, 'Pow', editor);
  if (power?.number === 2) return power;
  const node = editor.producer(value);
  const [a = '', b] = node?.inputs ?? [];
  return node && isOp(node, 'Mul') && a === b ? { node, value: a } : undefined;
}

/** x − mean(x) */
function differenceOf(
  value: string | undefined,
  editor: GraphEditor,
): { readonly value: string; readonly nodes: readonly Node[] } | undefined {
  const node = editor.producer(value);
  if (node === undefined || !isOp(node, 'Sub')) return undefined;
  const mean = lastMean(node.inputs[1], editor);
  if (mean === undefined || mean.inputs[0] !== node.inputs[0]) return undefined;
  return { value: node.inputs[0] ?? '', nodes: [node, mean] };
}

/** The sum with a constant of the same width that alone takes a norm. */
function biasBehind(
  node: Node,
  width: number,
  editor: GraphEditor,
): { readonly node: Node; readonly bias: string } | undefined {
  const [output = ''] = node.outputs;
  const add = editor.soleTaker(output);
  if (add === undefined || !isOp(add, 'Add')) return undefined;
  const bias = add.inputs.find((name) => name !== output) ?? '';
  const tensor = editor.constant(bias);
  const fits = tensor?.dims.length === 1 && tensor.dims[0] === width;
  return fits && tensor.dtype === editor.dtype(node.outputs[0]) ? { node: add, bias } : undefined;
}
