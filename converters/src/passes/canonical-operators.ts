import { int, intAttribute, intsAttribute } from '../ir/attributes.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import { fromNumbers } from '../ir/tensor.ts';
import type { GraphEditor } from './editor.ts';
import { type Outcome, type Rewrite, rewritePass } from './rewrite.ts';

/**
 * Writes operators as those that run in integers, and that fusions look for, where the result is the
 * same: a difference with a constant as a sum, a quotient as a product, a mean over an image as
 * GlobalAveragePool, a sum of two as Add.
 */
export const canonicalOperators = rewritePass(
  'canonical-operators',
  ['Sub', 'Div', 'Sum', 'ReduceMean', 'AveragePool'],
  (node, editor) => RULES[node.op]?.(node, editor),
);

const RULES: Readonly<Record<string, Rewrite>> = {
  Sub: (node, editor) => withConstant(node, editor, 'Add', (n) => -n),
  Div: (node, editor) => (isPartOfFusion(node, editor) ? undefined : asProduct(node, editor)),
  Sum: (node, editor) => {
    if (node.inputs.length !== 2) return undefined;
    swap(node, makeNode('Add', node.name, node.inputs, node.outputs), editor);
    return { did: 'is an Add' };
  },
  ReduceMean: meanOverImage,
  AveragePool: averageOverImage,
};

function swap(node: Node, other: Node, editor: GraphEditor): void {
  editor.remove(node);
  editor.add(other);
}

/** Jump between values next to each other: the last bit of what they take decides. */
const STEPS = [
  ...['Cast', 'CastLike', 'Ceil', 'Equal', 'Floor', 'Greater', 'GreaterOrEqual'],
  ...['Less', 'LessOrEqual', 'Mod', 'Round', 'Sign'],
];

/** A product rounds otherwise than the quotient: 41 · (1/41) is less than 1 in float32. */
function asProduct(node: Node, editor: GraphEditor): Outcome {
  const step = [...editor.takers(node.outputs[0] ?? '')].find((taker) => isOp(taker, ...STEPS));
  if (step === undefined || !editor.constant(node.inputs[1])) {
    return withConstant(node, editor, 'Mul', (n) => 1 / n);
  }
  return { declined: `is no Mul: ${step.op} ${JSON.stringify(step.name)} takes it, and rounds` };
}

/** ONNX Runtime fuses Gelu and attention by themselves only where they divide. */
function isPartOfFusion(node: Node, editor: GraphEditor): boolean {
  const before = editor.producer(node.inputs[0]);
  const [...takers] = editor.takers(node.outputs[0] ?? '');
  return takers.some((taker) => isOp(taker, 'Erf')) || (!!before && isAttention(before, editor));
}

/** A product of two activations. */
function isAttention(node: Node, editor: GraphEditor): boolean {
  return isOp(node, 'MatMul') && editor.constant(node.inputs[1]) === undefined;
}

/** x − c as x + (−c), and x / c as x · (1/c): the second rounds once more, which fp32 allows. */
function withConstant(
  node: Node,
  editor: GraphEditor,
  op: string,
  invert: (n: number) => number,
): Outcome {
  const [input = '', name = ''] = node.inputs;
  const constant = editor.constant(name);
  if (constant?.dtype !== 'float32' || editor.constant(input)) return undefined;
  const inverted = fromNumbers('float32', constant.dims, editor.numbers(name)?.map(invert) ?? []);
  const zeros = op === 'Mul' && editor.numbers(name)?.includes(0);
  if (zeros || !isNormal(editor, name))
    return { declined: `is no ${op}: its constant has no inverse` };
  const other = editor.addConstant(`${name}_${op === 'Add' ? 'negative' : 'inverse'}`, inverted);
  swap(node, makeNode(op, node.name, [input, other], node.outputs), editor);
  return { did: `is ${op === 'Add' ? 'an Add' : 'a Mul'} of a constant` };
}

/** Not so near to zero or to the largest number that an inverse would lose digits. */
function isNormal(editor: GraphEditor, name: string): boolean {
  const [least, most] = [2 ** -100, 2 ** 100];
  const numbers = editor.numbers(name);
  return numbers?.every((n) => n === 0 || (Math.abs(n) > least && Math.abs(n) < most)) ?? false;
}

/**
 * A mean over all axes of an image but batch and channel, as PyTorch exports global pooling. With one
 * such axis it may as well be a part of a LayerNormalization, which runtimes look for.
 */
function meanOverImage(node: Node, editor: GraphEditor): Outcome {
  const [input = ''] = node.inputs;
  const rank = editor.shape(input)?.length;
  const axes = intsAttribute(node, 'axes', undefined) ?? [
    ...(editor.numbers(node.inputs[1]) ?? []),
  ];
  if (rank === undefined || rank < 4 || axes.length !== rank - 2) return undefined;
  const spatial = new Set(axes.map((axis) => (axis < 0 ? axis + rank : axis)));
  if (spatial.size !== rank - 2 || spatial.has(0) || spatial.has(1)) return undefined;
  if (editor.dtype(input) !== 'float32') return undefined;
  const [output = ''] = node.outputs;
  if (intAttribute(node, 'keepdims', 1)) {
    swap(node, makeNode('GlobalAveragePool', node.name, [input], [output]), editor);
    return { did: 'is a GlobalAveragePool' };
  }
  const pooled = editor.fresh(`${output}_pooled`);
  swap(node, makeNode('GlobalAveragePool', node.name, [input], [pooled]), editor);
  editor.add(
    makeNode(
      'Flatten',
      editor.fresh(`${node.name}_flatten`),
      [pooled],
      [output],
      [['axis', int(1)]],
    ),
  );
  return { did: 'is a GlobalAveragePool and a Flatten' };
}

/** A window as large as the image, without padding. */
function averageOverImage(node: Node, editor: GraphEditor): Outcome {
  const [input = ''] = node.inputs;
  const sizes = editor.shape(input)?.slice(2);
  const kernel = intsAttribute(node, 'kernel_shape', []);
  const pads = intsAttribute(node, 'pads', []);
  const plain = node.attributes.get('auto_pad') === undefined && pads.every((pad) => pad === 0);
  if (!plain || !sizes?.length || sizes.some((size, axis) => size !== kernel[axis]))
    return undefined;
  swap(node, makeNode('GlobalAveragePool', node.name, [input], node.outputs), editor);
  return { did: 'is a GlobalAveragePool' };
}
