import { intAttribute, stringAttribute, tensorAttribute } from '../ir/attributes.ts';
import { type DataType, dataTypeOfCode } from '../ir/dtype.ts';
import type { Node } from '../ir/graph.ts';
import { dataTypeOfName } from './cast-names.ts';
import { OPERATORS } from './operators.ts';
import type { Call } from './shapes/rule.ts';
import { EXPERIMENTAL } from './upgrade/experimental.ts';

type Types = readonly (DataType | undefined)[];
type TypeRule = (call: Call) => Types;

const BOOL: TypeRule = () => ['bool'];
const INT64: TypeRule = () => ['int64'];
const FLOAT32: TypeRule = () => ['float32'];
const DATA_AND_INDEX: TypeRule = ({ inputs: [data] }) => [data?.dtype, 'int64'];
/** Sequences and optionals have no element type of their own. */
const NO_TENSOR: TypeRule = () => [];

/** The type that a numeric attribute names, `fallback` where it is left out. */
function named(attribute: string, fallback?: DataType): TypeRule {
  return ({ node }) => [typeAttribute(node, attribute) ?? fallback];
}

function typeAttribute(node: Node, name: string): DataType | undefined {
  return dataTypeOfCode(intAttribute(node, name, 0));
}

/** The type that an attribute names, or that of the first input. */
function namedOrSame(attribute: string): TypeRule {
  return ({ node, inputs: [first] }) => [typeAttribute(node, attribute) ?? first?.dtype];
}

function input(position: number): TypeRule {
  return ({ inputs }) => [inputs[position]?.dtype];
}

/** Cast names its type as a number, before opset 6 in capitals. */
const cast: TypeRule = ({ node }) => {
  return [typeAttribute(node, 'to') ?? dataTypeOfName(stringAttribute(node, 'to', ''))];
};

const batchNormalization: TypeRule = ({ inputs }) => {
  const [data, , , mean, variance] = inputs.map((facts) => facts.dtype);
  return [data, mean, variance, mean, variance];
};

/** Before opset 10 the mask has the type of the data, from 12 on the ratio is an input. */
const dropout: TypeRule = ({ node, inputs: [data] }) => [
  data?.dtype,
  isGiven(node, 1) ? 'bool' : undefined,
];

/** Scale decides the type, and where there is none the attribute. */
const dequantize: TypeRule = ({ node, inputs: [, scale] }) => [
  typeAttribute(node, 'output_dtype') ?? scale?.dtype ?? 'float32',
];

const quantize: TypeRule = ({ node, inputs: [, , zeroPoint] }) => [
  zeroPoint?.dtype ??
    typeAttribute(node, 'output_dtype') ??
    (isGiven(node, 2) ? undefined : 'uint8'),
];

function isGiven(node: Node, position: number): boolean {
  return (node.inputs[position] ?? '') !== '';
}

const layerNormalization: TypeRule = ({ node, inputs: [data] }) => {
  const stash = typeAttribute(node, 'stash_type') ?? 'float32';
  return [data?.dtype, stash, stash];
};

const attention: TypeRule = ({ inputs: [query, key, value] }) => [
  query?.dtype,
  key?.dtype,
  value?.dtype,
  query?.dtype,
];

const constant: TypeRule = ({ node }) => {
  const value = tensorAttribute(node, 'value');
  if (value !== undefined) return [value.dtype];
  const kinds = [...node.attributes.keys()];
  if (kinds.some((name) => name.startsWith('value_float'))) return ['float32'];
  if (kinds.some((name) => name.startsWith('value_string'))) return ['string'];
  return kinds.some((name) => name.startsWith('value_int')) ? ['int64'] : [];
};

/** Operators of ai.onnx whose outputs do not all have the type of the first input. */
const STANDARD: Readonly<Record<string, TypeRule>> = {
  AffineGrid: input(0),
  And: BOOL,
  ArgMax: INT64,
  ArgMin: INT64,
  Attention: attention,
  BatchNormalization: batchNormalization,
  Bernoulli: namedOrSame('dtype'),
  BitCast: named('to'),
  BlackmanWindow: named('output_datatype', 'float32'),
  Cast: cast,
  CastLike: input(1),
  ConcatFromSequence: NO_TENSOR,
  Constant: constant,
  ConstantOfShape: ({ node }) => [tensorAttribute(node, 'value')?.dtype ?? 'float32'],
  ConvInteger: () => ['int32'],
  DequantizeLinear: dequantize,
  Dropout: dropout,
  DynamicQuantizeLinear: () => ['uint8', 'float32', 'uint8'],
  Equal: BOOL,
  EyeLike: namedOrSame('dtype'),
  Greater: BOOL,
  GreaterOrEqual: BOOL,
  HammingWindow: named('output_datatype', 'float32'),
  HannWindow: named('output_datatype', 'float32'),
  If: NO_TENSOR,
  ImageDecoder: () => ['uint8'],
  IsInf: BOOL,
  IsNaN: BOOL,
  LayerNormalization: layerNormalization,
  Less: BOOL,
  LessOrEqual: BOOL,
  Loop: NO_TENSOR,
  MatMulInteger: () => ['int32'],
  MaxPool: DATA_AND_INDEX,
  MelWeightMatrix: named('output_datatype', 'float32'),
  Multinomial: named('dtype', 'int32'),
  NonMaxSuppression: INT64,
  NonZero: INT64,
  Not: BOOL,
  OneHot: input(2),
  Optional: NO_TENSOR,
  OptionalGetElement: NO_TENSOR,
  OptionalHasElement: BOOL,
  Or: BOOL,
  QLinearConv: input(7),
  QLinearMatMul: input(7),
  QuantizeLinear: quantize,
  RandomNormal: named('dtype', 'float32'),
  RandomNormalLike: namedOrSame('dtype'),
  RandomUniform: named('dtype', 'float32'),
  RandomUniformLike: namedOrSame('dtype'),
  RegexFullMatch: BOOL,
  Scan: NO_TENSOR,
  SequenceAt: NO_TENSOR,
  SequenceConstruct: NO_TENSOR,
  SequenceEmpty: NO_TENSOR,
  SequenceErase: NO_TENSOR,
  SequenceInsert: NO_TENSOR,
  SequenceLength: INT64,
  SequenceMap: NO_TENSOR,
  Shape: INT64,
  Size: INT64,
  SplitToSequence: NO_TENSOR,
  StringSplit: () => ['string', 'int64'],
  TfIdfVectorizer: FLOAT32,
  TopK: DATA_AND_INDEX,
  Unique: ({ inputs: [data] }) => [data?.dtype, 'int64', 'int64', 'int64'],
  Where: input(1),
  Xor: BOOL,
};

/** Operators of com.microsoft that are known, and what type each of their outputs has. */
const MICROSOFT: Readonly<Record<string, TypeRule>> = {
  Attention: input(0),
  BiasAdd: input(0),
  BiasGelu: input(0),
  DequantizeLinear: input(1),
  DynamicQuantizeLSTM: () => ['float32', 'float32', 'float32'],
  DynamicQuantizeMatMul: FLOAT32,
  FastGelu: input(0),
  FusedConv: input(0),
  FusedGemm: input(0),
  FusedMatMul: input(0),
  GatherBlockQuantized: input(2),
  Gelu: input(0),
  Inverse: input(0),
  MatMulBnb4: input(0),
  MatMulFpQ4: input(0),
  MatMulInteger16: () => ['int32'],
  MatMulIntegerToFloat: input(2),
  MatMulNBits: input(0),
  MultiHeadAttention: input(0),
  QLinearAdd: input(0),
  QLinearConcat: input(1),
  QLinearGlobalAveragePool: input(0),
  QLinearLeakyRelu: input(0),
  QLinearMul: input(0),
  QLinearSigmoid: input(0),
  QLinearSoftmax: input(4),
  QuantizeLinear: quantize,
  QuickGelu: input(0),
  RotaryEmbedding: input(0),
  SimplifiedLayerNormalization: layerNormalization,
  SkipLayerNormalization: ({ inputs: [data] }) => [data?.dtype, 'float32', 'float32', data?.dtype],
  SkipSimplifiedLayerNormalization: ({ inputs: [data] }) => [
    data?.dtype,
    'float32',
    'float32',
    data?.dtype,
  ],
};

/** Element types of a node's outputs. Most operators of ai.onnx give the type of their first input. */
export function inferTypes(call: Call): Types {
  const { domain, op, outputs } = call.node;
  if (domain === 'com.microsoft') return Object.hasOwn(MICROSOFT, op) ? MICROSOFT[op]!(call) : [];
  if (domain !== '') return [];
  const rule = Object.hasOwn(STANDARD, op) ? STANDARD[op] : undefined;
  if (rule !== undefined) return rule(call);
  const known = Object.hasOwn(OPERATORS, op) || Object.hasOwn(EXPERIMENTAL, op);
  return known ? outputs.map(() => call.inputs[0]?.dtype) : [];
}
