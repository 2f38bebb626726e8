import { intAttribute } from '../ir/attributes.ts';
import type { DataType } from '../ir/dtype.ts';
import { dataTypeOfCode } from '../ir/dtype.ts';
import type { Dim, Node } from '../ir/graph.ts';
import { isReadable } from '../ops/runtime-tensors.ts';

/**
 * Operators of ai.onnx that a run may stand for: each gives the same result whenever it runs, and
 * none ends the process on strange values, as integer division by zero does. QuantizeLinear and
 * DequantizeLinear are not among them: weights that are stored in integers stay so.
 */
const FOLDABLE = new Set(
  `Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization BitwiseAnd
  BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil Celu Clip Concat ConstantOfShape
  Conv ConvTranspose Cos Cosh CumSum DepthToSpace Einsum Elu Equal Erf Exp Expand EyeLike Flatten
  Floor Gather GatherElements GatherND Gelu Gemm Greater GreaterOrEqual HammingWindow HannWindow
  HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LayerNormalization
  LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization MatMul Max Mean MelWeightMatrix Min Mish
  Mul Neg Not OneHot Or PRelu Pad Pow RMSNormalization Range Reciprocal ReduceL1 ReduceL2
  ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare
  Relu Reshape Resize Round ScatterElements ScatterND Selu Shrink Sigmoid Sign Sin Sinh Size Slice
  Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu
  Tile TopK Transpose Trilu Unsqueeze Where Xor`.split(/\s+/),
);

/** Attributes that count or divide, which a runtime trusts to be positive. */
const POSITIVE = new Set(['blocksize', 'dilations', 'group', 'kernel_shape', 'strides']);

/** Larger numbers in attributes are no sizes or axes of a constant. */
const MAX_SETTING = 1 << 24;

/** True for a node that may be run over constants. */
export function isFoldable(node: Node): boolean {
  if (node.domain !== '' || !FOLDABLE.has(node.op) || !isSensible(node)) return false;
  return node.op !== 'Cast' || isReadable(castType(node) ?? 'int4');
}

/** Casts to types of less than a byte end the process. */
function castType(node: Node): DataType | undefined {
  return dataTypeOfCode(intAttribute(node, 'to', 0));
}

function isSensible(node: Node): boolean {
  return [...node.attributes].every(([name, attribute]) => {
    if (attribute.kind !== 'int' && attribute.kind !== 'ints') return true;
    const numbers = attribute.kind === 'int' ? [attribute.value] : attribute.value;
    const least = POSITIVE.has(name) ? 1 : -MAX_SETTING;
    return numbers.every((number) => number >= least && number <= MAX_SETTING);
  });
}

/** Multiplications that a node does, roughly; infinite where that is not known. */
export function workOf(
  node: Node,
  inputs: readonly (readonly Dim[] | undefined)[],
  output: readonly Dim[] | undefined,
): number {
  const out = count(output);
  if (node.op === 'MatMul' || node.op === 'Gemm') {
    return (out * count(inputs[0])) / Math.max(1, rowsOf(inputs[0], node));
  }
  if (node.op === 'Conv') return (out * count(inputs[1])) / Math.max(1, Number(inputs[1]?.[0]));
  if (node.op === 'ConvTranspose') return count(inputs[0]) * count(inputs[1]);
  return node.op === 'Einsum' ? out * count(inputs[0]) : Math.max(out, ...inputs.map(count));
}

function count(shape: readonly Dim[] | undefined): number {
  return shape?.reduce<number>((all, dim) => all * Number(dim ?? Infinity), 1) ?? 0;
}

/** Rows, over all matrices, of the first factor of a product. */
function rowsOf(shape: readonly Dim[] | undefined, node: Node): number {
  const inner = Number(shape?.at(intAttribute(node, 'transA', 0) ? -2 : -1) ?? 1);
  return count(shape) / Math.max(1, inner);
}
