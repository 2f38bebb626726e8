import { intAttribute, intsAttribute, stringAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/graph.ts';
import { isFilledWith } from '../ir/tensor.ts';
import type { GraphEditor } from './editor.ts';
import { isSameShape } from './reshape-elimination.ts';
import { rewritePass } from './rewrite.ts';

/** The input that a node hands through as it is, by its index; undefined where it does something. */
type Rule = (node: Node, editor: GraphEditor) => number | undefined;

/** Operators with a neutral element that the constant on the given sides may be. */
const neutral =
  (element: number, sides: readonly number[]): Rule =>
  (node, editor) =>
    sides.find((side) => {
      const other = node.inputs[1 - side];
      return keepsShape(node.inputs[side], other, editor) && isFilled(other, element, editor);
    });

/** True where broadcasting with `other` leaves `value` its shape. */
function keepsShape(
  value: string | undefined,
  other: string | undefined,
  editor: GraphEditor,
): boolean {
  const dims = editor.constant(other)?.dims;
  const shape = editor.shape(value);
  if (dims === undefined || shape === undefined || dims.length > shape.length) return false;
  return dims.every((dim, i) => dim === 1 || dim === shape[shape.length - dims.length + i]);
}

/** For operators that keep the number of elements. */
const sameShape: Rule = (node, editor) => {
  const [from, to] = [editor.shape(node.inputs[0]), editor.shape(node.outputs[0])];
  return from && to && isSameShape(from, to) ? 0 : undefined;
};

const sameSizes: Rule = (node, editor) => {
  const [from, to] = [editor.shape(node.inputs[0]), editor.shape(node.outputs[0])];
  const equal = from?.every((dim, i) => dim !== null && dim === to?.[i]);
  return equal && from?.length === to?.length ? 0 : undefined;
};

const allOf =
  (input: number, element: number): Rule =>
  (node, editor) =>
    isFilled(node.inputs[input], element, editor) ? 0 : undefined;

function isFilled(value: string | undefined, element: number, editor: GraphEditor): boolean {
  const tensor = editor.constant(value);
  return tensor !== undefined && isFilledWith(tensor, element);
}

const RULES: Readonly<Record<string, Rule>> = {
  Add: neutral(0, [0, 1]),
  Sub: neutral(0, [0]),
  Mul: neutral(1, [0, 1]),
  Div: neutral(1, [0]),
  Pow: neutral(1, [0]),
  Pad: (node, editor) => (node.inputs[3] ? undefined : allOf(1, 0)(node, editor)),
  Tile: allOf(1, 1),
  Slice: wholeSlice,
  Reshape: sameShape,
  Expand: sameSizes,
  Flatten: sameShape,
  Squeeze: sameShape,
  Unsqueeze: sameShape,
  Resize: unscaled,
  Split: (node) => (node.outputs.length === 1 ? 0 : undefined),
  MaxPool: unitWindow,
  AveragePool: unitWindow,
};

/**
 * Removes operators that do nothing for the shapes and constants they meet: a slice of all, padding
 * by nothing, a reshape to the shape that is there, a product with one.
 */
export const noopElimination = rewritePass(
  'noop-elimination',
  Object.keys(RULES),
  (node, editor) => {
    const index = RULES[node.op]?.(node, editor);
    const value = index === undefined ? undefined : node.inputs[index];
    if (!value || node.outputs.length !== 1) return undefined;
    return editor.bypass(node, value)
      ? { did: 'does nothing' }
      : { declined: 'stays, though it does nothing: it stands between an input and an output' };
  },
);

/** Starts at 0 and ends at or behind the end of every axis it names. */
function wholeSlice(node: Node, editor: GraphEditor): number | undefined {
  const starts = editor.numbers(node.inputs[1]);
  const ends = editor.numbers(node.inputs[2]);
  const steps = node.inputs[4] ? editor.numbers(node.inputs[4]) : undefined;
  if (!starts || !ends || (node.inputs[4] && !steps)) return undefined;
  const shape = editor.shape(node.inputs[0]);
  const axes = node.inputs[3] ? editor.numbers(node.inputs[3]) : starts.map((_, i) => i);
  const whole = ends.every((end, i) => {
    const size = shape?.at(axes?.[i] ?? Number.NaN);
    const reach = typeof size === 'number' ? size : 2 ** 31 - 1;
    return starts[i] === 0 && end >= reach && (steps?.[i] ?? 1) === 1;
  });
  return axes && whole ? 0 : undefined;
}

/** Scales of 1; a region of interest would still cut. */
function unscaled(node: Node, editor: GraphEditor): number | undefined {
  if (stringAttribute(node, 'coordinate_transformation_mode', '') === 'tf_crop_and_resize') {
    return undefined;
  }
  const scales = node.inputs[2] ? editor.numbers(node.inputs[2]) : undefined;
  const full = editor.shape(node.inputs[0])?.length === scales?.length;
  return scales && scales.length > 0 && full ? allOf(2, 1)(node, editor) : undefined;
}

/** A window of one element that moves by one. */
function unitWindow(node: Node): number | undefined {
  const all = (name: string, element: number) =>
    intsAttribute(node, name, [element]).every((n) => n === element);
  const plain = all('kernel_shape', 1) && all('strides', 1) && all('pads', 0);
  const named = node.attributes.has('kernel_shape') && !intAttribute(node, 'ceil_mode', 0);
  return plain && named && node.outputs.length === 1 ? 0 : undefined;
}
