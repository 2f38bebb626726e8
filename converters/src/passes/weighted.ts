import { floatAttribute, intAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import { elementCount, fromNumbers, type TensorValue, toNumbers } from '../ir/tensor.ts';
import type { GraphEditor } from './editor.ts';

/** An operator that multiplies with constant weights, seen as: which channel does each weight serve? */
export interface Weighted {
  readonly node: Node;
  readonly weight: TensorValue;
  /** For each output channel; undefined where there is none. */
  readonly bias: Float64Array | undefined;
  /** False for MatMul, which has no place for a bias. */
  readonly takesBias: boolean;
  readonly channels: number;
  readonly inputChannels: number;
  /** Output and input channel of the weight at a flat index. */
  readonly outputOf: (index: number) => number;
  readonly inputOf: (index: number) => number;
}

/** y = scale · x + shift, a number for each channel. */
export interface Affine {
  readonly scale: ArrayLike<number>;
  readonly shift: ArrayLike<number>;
}

export const WEIGHTED = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul'];

/** The operator as one with weights, or in words why it is none. */
export function weightedOf(node: Node, editor: GraphEditor): Weighted | string {
  const [, weightName, biasName] = node.inputs;
  const weight = editor.constant(weightName);
  const bias = editor.constant(biasName);
  const name = JSON.stringify(node.name);
  if (!weight || (biasName && !bias)) return `the weights of ${name} are not constant`;
  if (!isFloat(weight) || (bias && !isFloat(bias))) return `the weights of ${name} are no floats`;
  const layout = layoutOf(node, weight);
  if (layout === undefined) return `the weights of ${name} are not laid out by channel`;
  const { channels } = layout;
  const spread = bias && spreadBias(bias, channels);
  if (bias && !spread) return `the bias of ${name} is not one for each channel`;
  return { node, weight, bias: spread, takesBias: !isOp(node, 'MatMul'), ...layout };
}

type Layout = Pick<Weighted, 'channels' | 'inputChannels' | 'outputOf' | 'inputOf'>;

function layoutOf(node: Node, weight: TensorValue): Layout | undefined {
  if (isOp(node, 'MatMul')) return matrixLayout(weight, false);
  if (isOp(node, 'Gemm'))
    return isPlain(node) ? matrixLayout(weight, intAttribute(node, 'transB', 0) === 1) : undefined;
  if (weight.dims.length < 3) return undefined;
  const groups = intAttribute(node, 'group', 1);
  const [first = 0, second = 0] = weight.dims;
  if (groups < 1 || first % groups !== 0) return undefined;
  return isOp(node, 'Conv')
    ? convLayout(weight, groups)
    : transposedLayout(weight, first / groups, second, groups);
}

function isPlain(node: Node): boolean {
  const factors = floatAttribute(node, 'alpha', 1) === 1 && floatAttribute(node, 'beta', 1) === 1;
  return factors && intAttribute(node, 'transA', 0) === 0;
}

function matrixLayout({ dims }: TensorValue, transposed: boolean): Layout | undefined {
  const [rows = 0, columns = 0] = dims;
  if (dims.length !== 2) return undefined;
  const row = (index: number) => Math.floor(index / columns);
  const column = (index: number) => index % columns;
  return transposed
    ? { channels: rows, inputChannels: columns, outputOf: row, inputOf: column }
    : { channels: columns, inputChannels: rows, outputOf: column, inputOf: row };
}

/** [out, in / groups, …] */
function convLayout({ dims }: TensorValue, groups: number): Layout {
  const [channels = 0, perGroup = 0] = dims;
  const inner = elementCount({ dims: dims.slice(2) });
  const outputOf = (index: number) => Math.floor(index / (perGroup * inner));
  const group = (index: number) => Math.floor(outputOf(index) / (channels / groups));
  const inputOf = (index: number) =>
    group(index) * perGroup + (Math.floor(index / inner) % perGroup);
  return { channels, inputChannels: perGroup * groups, outputOf, inputOf };
}

/** [in, out / groups, …], the groups dividing the first dimension. */
function transposedLayout(
  { dims }: TensorValue,
  rowsPerGroup: number,
  perGroup: number,
  groups: number,
): Layout {
  const inner = elementCount({ dims: dims.slice(2) });
  const inputOf = (index: number) => Math.floor(index / (perGroup * inner));
  const outputOf = (index: number) =>
    Math.floor(inputOf(index) / rowsPerGroup) * perGroup + (Math.floor(index / inner) % perGroup);
  return { channels: perGroup * groups, inputChannels: dims[0] ?? 0, outputOf, inputOf };
}

/** A bias of one number, or of one for each channel in the last dimension that is not 1. */
function spreadBias(bias: TensorValue, channels: number): Float64Array | undefined {
  const numbers = toNumbers(bias);
  if (numbers.length === channels && (bias.dims.at(-1) ?? 1) === channels) return numbers;
  return numbers.length === 1 ? new Float64Array(channels).fill(numbers[0]!) : undefined;
}

/**
 * Folds what follows an operator into its weights and bias: w' = scale · w, b' = scale · b + shift.
 *
 * @returns why it cannot be; nothing was changed then
 */
export function foldAfter(
  weighted: Weighted,
  after: Affine,
  editor: GraphEditor,
): string | undefined {
  const { node, weight, bias, channels, outputOf } = weighted;
  const shifts = bias !== undefined || Array.from(after.shift).some((n) => n !== 0);
  if (shifts && !weighted.takesBias) return `${node.op} has no place for a bias`;
  const values = toNumbers(weight).map((w, i) => w * after.scale[outputOf(i)]!);
  const newBias = Float64Array.from(
    { length: channels },
    (_, c) => (bias?.[c] ?? 0) * after.scale[c]! + after.shift[c]!,
  );
  return replaceWeights(weighted, values, shifts ? newBias : undefined, editor);
}

/**
 * Folds what comes before an operator into it: w' = w · scale by input channel, b' = b + Σ w · shift.
 * Where the operator pads with zeros, the shift must be zero.
 *
 * @returns why it cannot be; nothing was changed then
 */
export function foldBefore(
  weighted: Weighted,
  before: Affine,
  editor: GraphEditor,
): string | undefined {
  const { weight, bias, channels, outputOf, inputOf, takesBias, node } = weighted;
  const old = toNumbers(weight);
  const shifts = Array.from(before.shift).some((n) => n !== 0);
  if (shifts && !takesBias) return `${node.op} has no place for a bias`;
  const newBias = Float64Array.from({ length: channels }, (_, c) => bias?.[c] ?? 0);
  if (shifts)
    for (const [i, w] of old.entries()) newBias[outputOf(i)]! += w * before.shift[inputOf(i)]!;
  const values = old.map((w, i) => w * before.scale[inputOf(i)]!);
  return replaceWeights(weighted, values, bias || shifts ? newBias : undefined, editor);
}

function replaceWeights(
  { node, weight, channels }: Weighted,
  values: Float64Array,
  bias: Float64Array | undefined,
  editor: GraphEditor,
): string | undefined {
  const folded = fromNumbers(weight.dtype, weight.dims, values);
  const shift = bias && fromNumbers(weight.dtype, [channels], bias);
  if (!allFinite(folded) || (shift && !allFinite(shift))) {
    return 'the folded weights leave the range of their type';
  }
  const [data = '', oldWeight = '', oldBias = ''] = node.inputs;
  const name = editor.addConstant(`${oldWeight}_folded`, folded);
  const biases = shift
    ? [editor.addConstant(`${oldBias || `${oldWeight}_bias`}_folded`, shift)]
    : [];
  editor.setInputs(node, [data, name, ...biases]);
  for (const old of [oldWeight, oldBias]) editor.dropConstant(old);
  return undefined;
}

/**
 * A constant that meets the channels of a value by broadcasting, as one number for each; undefined
 * where it varies along another axis, too.
 *
 * @param axis the channels' axis, counted from the last: -1 for a matrix
 */
export function perChannel(
  tensor: TensorValue,
  channels: number,
  axis: number,
): Float64Array | undefined {
  const { dims } = tensor;
  if (!isFloat(tensor)) return undefined;
  const along = dims.at(axis) ?? 1;
  const others = dims.length < -axis ? dims : dims.toSpliced(dims.length + axis, 1);
  if (others.some((dim) => dim !== 1) || (along !== 1 && along !== channels)) return undefined;
  const numbers = toNumbers(tensor);
  return numbers.length === channels
    ? numbers
    : new Float64Array(channels).fill(numbers[0] ?? Number.NaN);
}

export function isFloat(tensor: TensorValue | undefined): tensor is TensorValue {
  return ['float16', 'bfloat16', 'float32', 'float64'].includes(tensor?.dtype ?? '');
}

function allFinite(tensor: TensorValue): boolean {
  return toNumbers(tensor).every(Number.isFinite);
}
