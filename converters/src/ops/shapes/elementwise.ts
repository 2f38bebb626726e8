import { intAttribute, intsAttribute, stringAttribute } from '../../ir/attributes.ts';
import type { Dim } from '../../ir/graph.ts';
import {
  axesOf,
  axisOf,
  broadcastShapes,
  type Call,
  type Family,
  isGiven,
  SAME,
  type Shape,
  type ShapeRule,
  type ShapesRule,
  shapeOf,
  unknown,
} from './rule.ts';

const broadcast: ShapeRule = ({ inputs }) => broadcastShapes(inputs.map((facts) => facts.shape));

const reduce: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const keeps = intAttribute(call.node, 'keepdims', 1) !== 0;
  if (!data) return undefined;
  const listed = call.node.attributes.has('axes') || isGiven(call, 1);
  const axes = listed ? axesOf(call, 1, data.length) : [];
  if (axes === undefined) return keeps ? unknown(data.length) : undefined;
  if (axes.length === 0 && intAttribute(call.node, 'noop_with_empty_axes', 0)) return data;
  return without(data, axes.length === 0 ? [...data.keys()] : axes, keeps);
};

const reduceOne: ShapeRule = (call) => {
  const data = shapeOf(call, 0);
  const axis = data && axisOf(call.node, 0, data.length);
  if (!data || axis === undefined) return undefined;
  return without(data, [axis], intAttribute(call.node, 'keepdims', 1) !== 0);
};

function without(data: Shape, axes: readonly number[], keeps: boolean): Shape {
  if (!keeps) return data.filter((_, axis) => !axes.includes(axis));
  return data.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
}

/** Output, and mean and inverse deviation over all axes from `axis` on. */
const layerNormalization: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  const axis = data && axisOf(call.node, -1, data.length);
  if (!data || axis === undefined) return [data];
  const statistics = data.map((dim, i) => (i < axis ? dim : 1));
  return [data, statistics, statistics];
};

const batchNormalization: ShapesRule = (call) => {
  const data = shapeOf(call, 0);
  const channels = data && [data[1] ?? channelsOf(call)];
  return [data, channels, channels, channels, channels];
};

function channelsOf(call: Call): Dim {
  return shapeOf(call, 1)?.[0] ?? null;
}

const twice: ShapesRule = (call) => [shapeOf(call, 0), shapeOf(call, 0)];
const quantized: ShapesRule = (call) => [shapeOf(call, 0), [], []];

const loss: ShapeRule = (call) =>
  stringAttribute(call.node, 'reduction', 'mean') === 'none' ? shapeOf(call, 1) : [];
const lossAndLogits: ShapesRule = (call) => [loss(call), shapeOf(call, 0)];

const fromShapeAttribute: ShapeRule = ({ node }) => intsAttribute(node, 'shape', undefined);

const multinomial: ShapeRule = (call) => [
  shapeOf(call, 0)?.[0] ?? null,
  intAttribute(call.node, 'sample_size', 1),
];

/** Operators whose output has the shape of an input or of all inputs together. */
export const ELEMENTWISE: Family = {
  single: [
    [
      SAME,
      `Abs Acos Acosh Affine Asin Asinh Atan Atanh Bernoulli BitCast BitwiseNot Cast CastLike Ceil Celu
      Clip Cos Cosh CumProd CumSum DequantizeLinear Elu Erf Exp EyeLike Floor Gelu
      GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization ImageScaler IsInf IsNaN
      LRN LeakyRelu Log LogSoftmax LpNormalization MeanVarianceNormalization Mish Neg Not PRelu ParametricSoftplus
      QuantizeLinear RMSNormalization RandomNormalLike RandomUniformLike Reciprocal RegexFullMatch
      Relu ReverseSequence RotaryEmbedding Round Scatter ScatterElements ScatterND ScaledTanh Selu Shrink
      Sigmoid Sign Sin Sinh Softmax Softplus Softsign Sqrt Swish Tan Tanh TensorScatter
      ThresholdedRelu Trilu`,
    ],
    [
      broadcast,
      `Add And BitShift BitwiseAnd BitwiseOr BitwiseXor Div Equal Greater GreaterOrEqual Less
      LessOrEqual Max Mean Min Mod Mul Or Pow StringConcat Sub Sum Where Xor`,
    ],
    [
      reduce,
      `ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
      ReduceSum ReduceSumSquare`,
    ],
    [reduceOne, 'ArgMax ArgMin'],
    [loss, 'NegativeLogLikelihoodLoss'],
    [fromShapeAttribute, 'RandomNormal RandomUniform'],
    [multinomial, 'Multinomial'],
  ],
  several: [
    [twice, 'Dropout'],
    [quantized, 'DynamicQuantizeLinear'],
    [layerNormalization, 'LayerNormalization'],
    [batchNormalization, 'BatchNormalization'],
    [lossAndLogits, 'SoftmaxCrossEntropyLoss'],
  ],
};
