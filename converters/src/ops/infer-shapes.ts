import { intAttribute, intsAttribute, stringAttribute } from '../ir/attributes.ts';
import type { Dim, Node } from '../ir/graph.ts';
import { type TensorValue, toNumbers } from '../ir/tensor.ts';
import type { ValueFacts } from './facts.ts';

type Shape = readonly Dim[];

interface Call {
  readonly node: Node;
  readonly shapes: readonly (Shape | undefined)[];
  /** The constant that an input is, where it is one. */
  readonly constant: (input: number) => TensorValue | undefined;
}

type ShapeRule = (call: Call) => Shape | undefined;

const SAME: ShapeRule = ({ shapes: [first] }) => first;
const RANK_ONLY: ShapeRule = ({ shapes: [first] }) => first?.map(() => null);

const broadcast: ShapeRule = ({ shapes }) => {
  if (shapes.some((shape) => shape === undefined)) return undefined;
  const known = shapes as readonly Shape[];
  const rank = Math.max(...known.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) =>
    known
      .map((shape) => (axis < rank - shape.length ? 1 : shape.at(axis - rank)!))
      .reduce<Dim>(meet, 1),
  );
};

/** One broadcast dimension out of two. */
function meet(a: Dim, b: Dim): Dim {
  if (a === 1 || a === b) return b;
  if (b === 1) return a;
  if (typeof a === 'number') return a;
  return typeof b === 'number' ? b : null;
}

const convolve: ShapeRule = (call) => {
  const [data, weight] = call.shapes;
  const kernel = intsAttribute(call.node, 'kernel_shape', undefined) ?? weight?.slice(2);
  return data && [data[0] ?? null, weight?.[0] ?? null, ...slide(call.node, data.slice(2), kernel)];
};

const pool: ShapeRule = ({ node, shapes: [data] }) =>
  data && [
    ...data.slice(0, 2),
    ...slide(node, data.slice(2), intsAttribute(node, 'kernel_shape', [])),
  ];

/** Spatial sizes after a window has slid over them (ONNX Conv, MaxPool). */
function slide(node: Node, sizes: Shape, kernel: Shape | undefined): Dim[] {
  const padding = stringAttribute(node, 'auto_pad', 'NOTSET');
  const strides = intsAttribute(node, 'strides', []);
  const dilations = intsAttribute(node, 'dilations', []);
  const pads = intsAttribute(node, 'pads', []);
  return sizes.map((size, axis) => {
    const width = kernel?.[axis];
    if (typeof size !== 'number' || typeof width !== 'number') return null;
    if (intAttribute(node, 'ceil_mode', 0)) return null;
    const stride = strides[axis] ?? 1;
    if (padding.startsWith('SAME')) return Math.ceil(size / stride);
    const around = (pads[axis] ?? 0) + (pads[axis + sizes.length] ?? 0);
    const reach = (dilations[axis] ?? 1) * (width - 1) + 1;
    return Math.floor((size + around - reach) / stride) + 1;
  });
}

const matMul: ShapeRule = (call) => {
  const [a, b] = call.shapes;
  if (!a || !b || a.length < 2 || b.length < 2) return undefined;
  const batch = broadcast({ ...call, shapes: [a.slice(0, -2), b.slice(0, -2)] });
  return batch && [...batch, a.at(-2)!, b.at(-1)!];
};

const gemm: ShapeRule = ({ node, shapes: [a, b] }) => [
  a?.[intAttribute(node, 'transA', 0) ? 1 : 0] ?? null,
  b?.[intAttribute(node, 'transB', 0) ? 0 : 1] ?? null,
];

const reshape: ShapeRule = ({ node, shapes: [data], constant }) => {
  const wanted = constant(1);
  if (wanted === undefined || intAttribute(node, 'allowzero', 0)) return undefined;
  const dims = Array.from(toNumbers(wanted), (dim, axis) =>
    dim === 0 ? (data?.[axis] ?? null) : dim,
  );
  const open = dims.indexOf(-1);
  if (open < 0) return dims;
  const [total, rest] = [product(data), product(dims.toSpliced(open, 1))];
  return dims.with(open, total && rest ? total / rest : null);
};

function product(shape: Shape | undefined): number | null {
  const sizes = shape?.filter((dim) => typeof dim === 'number');
  if (sizes === undefined || sizes.length !== shape?.length) return null;
  return sizes.reduce((all, size) => all * size, 1);
}

const flatten: ShapeRule = ({ node, shapes: [data] }) => {
  const axis = intAttribute(node, 'axis', 1);
  return [product(data?.slice(0, axis)), product(data?.slice(axis))];
};

const transpose: ShapeRule = ({ node, shapes: [data] }) => {
  const order = intsAttribute(node, 'perm', undefined);
  if (order === undefined) return data?.toReversed();
  return data && order.map((axis) => data[axis] ?? null);
};

const concat: ShapeRule = ({ node, shapes }) => {
  const [first] = shapes;
  if (!first) return undefined;
  const axis = front(intAttribute(node, 'axis', 1), first.length);
  const lengths = shapes.map((shape) => shape?.[axis]);
  const known = lengths.filter((length) => typeof length === 'number');
  const total = known.length === lengths.length ? known.reduce((sum, n) => sum + n, 0) : null;
  return first.map((dim, i) => (i === axis ? total : dim));
};

/** Axes from an attribute, or from the input that took its place; undefined where not constant. */
function axesOf(call: Call, input: number): number[] | undefined {
  const attribute = intsAttribute(call.node, 'axes', undefined);
  if (attribute !== undefined) return attribute;
  if (!call.node.inputs[input]) return [];
  const constant = call.constant(input);
  return constant && Array.from(toNumbers(constant));
}

const squeeze: ShapeRule = (call) => {
  const [data] = call.shapes;
  const axes = axesOf(call, 1)?.map((axis) => front(axis, data?.length ?? 0));
  if (!data || !axes || axes.length === 0) return undefined;
  return data.filter((_, axis) => !axes.includes(axis));
};

const unsqueeze: ShapeRule = (call) => {
  const [data] = call.shapes;
  const axes = axesOf(call, 1);
  if (!data || !axes) return undefined;
  const rank = data.length + axes.length;
  const added = axes.map((axis) => front(axis, rank));
  const rest = [...data];
  return Array.from({ length: rank }, (_, axis) =>
    added.includes(axis) ? 1 : (rest.shift() ?? null),
  );
};

const reduce: ShapeRule = (call) => {
  const [data] = call.shapes;
  const given = call.node.op.startsWith('Arg')
    ? [intAttribute(call.node, 'axis', 0)]
    : axesOf(call, 1);
  if (!data || !given) return undefined;
  if (given.length === 0 && intAttribute(call.node, 'noop_with_empty_axes', 0)) return data;
  const axes = given.map((axis) => front(axis, data.length));
  const reduced = (axis: number) => axes.length === 0 || axes.includes(axis);
  if (!intAttribute(call.node, 'keepdims', 1)) return data.filter((_, axis) => !reduced(axis));
  return data.map((dim, axis) => (reduced(axis) ? 1 : dim));
};

const gather: ShapeRule = ({ node, shapes: [data, indices] }) => {
  if (!data || !indices) return undefined;
  const axis = front(intAttribute(node, 'axis', 0), data.length);
  return [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
};

function front(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

const globalPool: ShapeRule = ({ shapes: [data] }) =>
  data?.map((dim, axis) => (axis < 2 ? dim : 1));

const shapeOf: ShapeRule = ({ node, shapes: [data] }) =>
  node.attributes.has('start') || node.attributes.has('end') ? [null] : data && [data.length];

const RULES: readonly (readonly [ShapeRule, string])[] = [
  [
    SAME,
    `Abs Acos Acosh Asin Asinh Atan Atanh BatchNormalization Cast CastLike Ceil Celu Clip Cos Cosh
    CumSum DequantizeLinear Dropout Elu Erf Exp Floor Gelu GroupNormalization HardSigmoid HardSwish
    Hardmax Identity InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Log
    LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not PRelu QuantizeLinear Reciprocal
    Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Tan Tanh
    ThresholdedRelu Trilu`,
  ],
  [RANK_ONLY, 'ConvTranspose DepthToSpace Pad Resize Slice SpaceToDepth Split Tile TopK Upsample'],
  [
    broadcast,
    `Add And BitShift Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or Pow
    Sub Sum Where Xor`,
  ],
  [
    reduce,
    `ArgMax ArgMin ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin
    ReduceProd ReduceSum ReduceSumSquare`,
  ],
  [convolve, 'Conv ConvInteger'],
  [pool, 'AveragePool LpPool MaxPool'],
  [globalPool, 'GlobalAveragePool GlobalLpPool GlobalMaxPool'],
  [matMul, 'MatMul MatMulInteger'],
  [gemm, 'Gemm'],
  [reshape, 'Reshape'],
  [flatten, 'Flatten'],
  [transpose, 'Transpose'],
  [concat, 'Concat'],
  [squeeze, 'Squeeze'],
  [unsqueeze, 'Unsqueeze'],
  [gather, 'Gather'],
  [shapeOf, 'Shape'],
  [() => [], 'Size'],
];

const RULE_OF: ReadonlyMap<string, ShapeRule> = new Map(
  RULES.flatMap(([rule, ops]) => ops.split(/\s+/).map((op) => [op, rule] as const)),
);

/** The shape of a node's first output, as far as the operator's rule gives it. */
export function inferShape(
  node: Node,
  inputs: readonly ValueFacts[],
  constant: (input: number) => TensorValue | undefined,
): Shape | undefined {
  if (node.domain !== '') return undefined;
  const shapes = inputs.map((facts) => facts.shape);
  return RULE_OF.get(node.op)?.({ node, shapes, constant });
}
