import { int, intAttribute, ints, intsAttribute } from '../ir/attributes.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import {
  elementCount,
  fromNumbers,
  int64Tensor,
  reshaped,
  type TensorValue,
} from '../ir/tensor.ts';
import { evaluate } from '../ops/evaluate/index.ts';
import type { GraphEditor } from './editor.ts';

/** Axis `i` of the transposed value is axis `order[i]` of the one before. */
export type Order = readonly number[];

/** How a node is made to work on values that are not transposed. */
export interface Flip {
  /** The order in which each output would have to be transposed to be what it was. */
  readonly orders: readonly Order[];
  /** Changes inputs and attributes; `data` are its data inputs without the Transpose before them. */
  readonly apply: (data: ReadonlyMap<string, string>) => void;
}

/** @param orders of the node's inputs: how each is transposed; undefined for what is not */
export type FlipRule = (
  node: Node,
  orders: readonly (Order | undefined)[],
  editor: GraphEditor,
) => Flip | undefined;

const UNARY =
  `Abs Acos Acosh Asin Asinh Atan Atanh Cast Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu
  HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu
  Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu`.split(/\s+/);

const BROADCASTING =
  `Add And Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or
  PRelu Pow Sub Sum Where Xor`.split(/\s+/);

const REDUCTIONS = `ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
  ReduceProd ReduceSum ReduceSumSquare`.split(/\s+/);

/** How a Transpose passes through a node, or undefined where it does not. */
export const flipOf: FlipRule = (node, orders, editor) => {
  if (isOp(node, ...UNARY)) return orders[0] && moved(node, editor, [orders[0]]);
  if (isOp(node, ...BROADCASTING)) return broadcasting(node, orders, editor);
  if (isOp(node, ...REDUCTIONS)) return reduction(node, orders, editor);
  if (isOp(node, 'Softmax', 'LogSoftmax')) return softmax(node, orders, editor);
  if (isOp(node, 'Concat')) return concat(node, orders, editor);
  if (isOp(node, 'Split')) return split(node, orders, editor);
  if (isOp(node, 'Pad')) return pad(node, orders, editor);
  return isOp(node, 'Slice') ? slice(node, orders, editor) : undefined;
};

/** Gives a node its untransposed data and, where given, other inputs and attributes. */
function moved(
  node: Node,
  editor: GraphEditor,
  orders: readonly Order[],
  rest: () => void = () => {},
): Flip {
  return {
    orders,
    apply(data) {
      rest();
      editor.setInputs(
        node,
        node.inputs.map((name) => data.get(name) ?? name),
      );
    },
  };
}

/** All operands are transposed alike, but for constants, which are turned back here. */
const broadcasting: FlipRule = (node, orders, editor) => {
  const order = orders.find((each) => each !== undefined);
  if (order === undefined) return undefined;
  const turned = new Map<string, TensorValue>();
  for (const [i, name] of node.inputs.entries()) {
    const own = orders[i];
    if (own !== undefined) {
      if (!isSameOrder(own, order)) return undefined;
      continue;
    }
    const tensor = editor.constant(name);
    if (tensor === undefined || tensor.dims.length > order.length) return undefined;
    if (elementCount(tensor) === 1) continue;
    const back = turnBack(tensor, order);
    if (back === undefined) return undefined;
    turned.set(name, back);
  }
  return moved(node, editor, [order], () => {
    const names = new Map(
      [...turned].map(([name, back]) => [name, editor.addConstant(`${name}_turned`, back)]),
    );
    editor.setInputs(
      node,
      node.inputs.map((name) => names.get(name) ?? name),
    );
  });
};

/** A constant as it meets the untransposed value: its missing leading axes are of size 1. */
function turnBack(tensor: TensorValue, order: Order): TensorValue | undefined {
  const missing = new Array<number>(order.length - tensor.dims.length).fill(1);
  const transpose = makeNode('Transpose', '', [''], [''], [['perm', ints(invert(order))]]);
  return evaluate(transpose, [reshaped(tensor, [...missing, ...tensor.dims])]);
}

const concat: FlipRule = (node, orders, editor) => {
  const [order] = orders;
  if (order === undefined || !orders.every((each) => each && isSameOrder(each, order))) {
    return undefined;
  }
  const axis = axisOf(node, order, 0);
  if (axis === undefined) return undefined;
  return moved(node, editor, [order], () => void node.attributes.set('axis', int(axis)));
};

/** Over the last axis only: runtimes transpose for any other by themselves. */
const softmax: FlipRule = (node, [order], editor) => {
  const axis = order && axisOf(node, order, -1);
  if (order === undefined || axis !== order.length - 1) return undefined;
  return moved(node, editor, [order], () => void node.attributes.set('axis', int(axis)));
};

const split: FlipRule = (node, [order], editor) => {
  const axis = order && axisOf(node, order, 0);
  if (order === undefined || axis === undefined) return undefined;
  const all = node.outputs.map(() => order);
  return moved(node, editor, all, () => void node.attributes.set('axis', int(axis)));
};

/** The axis before the Transpose of the one that an attribute names. */
function axisOf(node: Node, order: Order, fallback: number): number | undefined {
  return order.at(intAttribute(node, 'axis', fallback));
}

/** Where the reduced axes go, the order is that of those left. */
const reduction: FlipRule = (node, [order], editor) => {
  if (order === undefined) return undefined;
  const asInput = node.inputs[1] ? editor.numbers(node.inputs[1]) : undefined;
  if (node.inputs[1] && !asInput) return undefined;
  const named = asInput ? [...asInput] : intsAttribute(node, 'axes', undefined);
  if (named === undefined) return undefined;
  const axes = named.map((axis) => order.at(axis));
  if (!axes.every((axis) => axis !== undefined) || axes.length === 0) return undefined;
  const kept = intAttribute(node, 'keepdims', 1) === 1;
  const left = kept ? order : withoutAxes(order, axes);
  return moved(node, editor, [left], () => {
    if (asInput === undefined) return void node.attributes.set('axes', ints(axes));
    const name = editor.addConstant(`${node.inputs[1]}_turned`, int64Tensor([axes.length], axes));
    editor.setInputs(node, [node.inputs[0] ?? '', name]);
  });
};

/** The order of the axes that are left when some are gone, counted anew. */
function withoutAxes(order: Order, gone: readonly number[]): Order {
  const left = order.filter((axis) => !gone.includes(axis));
  return left.map((axis) => axis - gone.filter((each) => each < axis).length);
}

const pad: FlipRule = (node, [order], editor) => {
  const amounts = editor.numbers(node.inputs[1]);
  const constantValue = !node.inputs[2] || editor.scalar(node.inputs[2]) !== undefined;
  if (!order || !amounts || node.inputs[3] || !constantValue) return undefined;
  const rank = order.length;
  if (amounts.length !== 2 * rank) return undefined;
  const turned = new Array<number>(2 * rank).fill(0);
  for (const [i, axis] of order.entries()) {
    turned[axis] = amounts[i]!;
    turned[axis + rank] = amounts[i + rank]!;
  }
  return moved(node, editor, [order], () => {
    const name = editor.addConstant(`${node.inputs[1]}_turned`, int64Tensor([2 * rank], turned));
    editor.setInputs(node, node.inputs.with(1, name));
  });
};

const slice: FlipRule = (node, [order], editor) => {
  const starts = editor.constant(node.inputs[1]);
  const named = node.inputs[3] ? editor.numbers(node.inputs[3]) : undefined;
  if (!order || !starts || (node.inputs[3] && !named)) return undefined;
  const count = elementCount(starts);
  const axes = Array.from({ length: count }, (_, i) => order.at(named?.[i] ?? i));
  if (!axes.every((axis) => axis !== undefined)) return undefined;
  return moved(node, editor, [order], () => {
    // Starts, ends, axes and steps are of one type.
    const name = editor.addConstant(`${node.name}_axes`, fromNumbers(starts.dtype, [count], axes));
    const [data = '', from = '', to = '', , ...steps] = node.inputs;
    editor.setInputs(node, [data, from, to, name, ...steps]);
  });
};

/** The order of a Transpose, where it is known and names every axis once. */
export function orderOf(node: Node, editor: GraphEditor): Order | undefined {
  const given = intsAttribute(node, 'perm', undefined);
  const rank = given?.length ?? editor.shape(node.inputs[0])?.length;
  if (rank === undefined) return undefined;
  const order = given ?? Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  const whole = new Set(order).size === rank && order.every((axis) => axis >= 0 && axis < rank);
  return whole ? order : undefined;
}

export function invert(order: Order): Order {
  const inverse = new Array<number>(order.length).fill(0);
  for (const [to, from] of order.entries()) inverse[from] = to;
  return inverse;
}

/** The order of one Transpose after another. */
export function compose(first: Order, second: Order): Order {
  return second.map((axis) => first[axis]!);
}

function isSameOrder(a: Order, b: Order): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

export function isInOrder(order: Order): boolean {
  return order.every((axis, i) => axis === i);
}
