import { intAttribute, tensorAttribute } from '../ir/attributes.ts';
import { type DataType, dataTypeOfCode } from '../ir/dtype.ts';
import type { Graph, Node } from '../ir/graph.ts';
import type { Facts, ValueFacts } from './facts.ts';

type Types = readonly (DataType | undefined)[];
type TypeRule = (node: Node, inputs: readonly ValueFacts[]) => Types;

const BOOL: TypeRule = () => ['bool'];
const INT64: TypeRule = () => ['int64'];
const DATA_AND_INDEX: TypeRule = (_, [data]) => [data?.dtype, 'int64'];

/** The type that a numeric attribute names, `fallback` where it is left out. */
function named(attribute: string, fallback?: DataType): TypeRule {
  return (node) => [dataTypeOfCode(intAttribute(node, attribute, 0)) ?? fallback];
}

function input(position: number): TypeRule {
  return (_, inputs) => [inputs[position]?.dtype];
}

/** Operators whose outputs do not all have the type of the first input. */
const TYPE_RULES: Readonly<Record<string, TypeRule>> = {
  And: BOOL,
  ArgMax: INT64,
  ArgMin: INT64,
  Bernoulli: (node, [first]) => [dataTypeOfCode(intAttribute(node, 'dtype', 0)) ?? first?.dtype],
  BitCast: named('to'),
  BlackmanWindow: named('output_datatype', 'float32'),
  Cast: named('to'),
  CastLike: input(1),
  Constant: (node) => [constantType(node)],
  ConstantOfShape: (node) => [tensorAttribute(node, 'value')?.dtype ?? 'float32'],
  ConvInteger: () => ['int32'],
  DequantizeLinear: (node, [, scale]) => [
    dataTypeOfCode(intAttribute(node, 'output_dtype', 0)) ?? scale?.dtype ?? 'float32',
  ],
  Dropout: (_, [data]) => [data?.dtype, 'bool'],
  DynamicQuantizeLinear: () => ['uint8', 'float32', 'uint8'],
  Equal: BOOL,
  EyeLike: (node, [first]) => [dataTypeOfCode(intAttribute(node, 'dtype', 0)) ?? first?.dtype],
  Greater: BOOL,
  GreaterOrEqual: BOOL,
  HammingWindow: named('output_datatype', 'float32'),
  HannWindow: named('output_datatype', 'float32'),
  IsInf: BOOL,
  IsNaN: BOOL,
  Less: BOOL,
  LessOrEqual: BOOL,
  MatMulInteger: () => ['int32'],
  MaxPool: DATA_AND_INDEX,
  MelWeightMatrix: named('output_datatype', 'float32'),
  Multinomial: named('dtype', 'int32'),
  NonMaxSuppression: INT64,
  NonZero: INT64,
  Not: BOOL,
  OneHot: input(2),
  Or: BOOL,
  QLinearConv: input(7),
  QLinearMatMul: input(7),
  QuantizeLinear: (node, [, , zeroPoint]) => [
    zeroPoint?.dtype ?? dataTypeOfCode(intAttribute(node, 'output_dtype', 0)) ?? 'uint8',
  ],
  RandomNormal: named('dtype', 'float32'),
  RandomUniform: named('dtype', 'float32'),
  SequenceAt: () => [],
  Shape: INT64,
  Size: INT64,
  TopK: DATA_AND_INDEX,
  Unique: (_, [data]) => [data?.dtype, 'int64', 'int64', 'int64'],
  Where: input(1),
  Xor: BOOL,
};

/** Element types of a node's outputs. Most operators give the type of their first input. */
export function inferTypes(
  node: Node,
  inputs: readonly ValueFacts[],
  scopes: ReadonlyMap<Graph, Facts>,
): Types {
  if (node.domain !== '') return [];
  const branch = branchOf(node);
  if (branch !== undefined) {
    const [graph, skip] = branch;
    return graph.outputs.slice(skip).map(({ name }) => scopes.get(graph)?.get(name)?.dtype);
  }
  const rule = Object.hasOwn(TYPE_RULES, node.op) ? TYPE_RULES[node.op] : undefined;
  return rule?.(node, inputs) ?? node.outputs.map(() => inputs[0]?.dtype);
}

/** The inner graph whose outputs, after the first few, are those of a control-flow node. */
function branchOf(node: Node): readonly [Graph, number] | undefined {
  const skip = { If: 0, Loop: 1, Scan: 0 }[node.op];
  const attribute = node.attributes.get(node.op === 'If' ? 'then_branch' : 'body');
  if (skip === undefined || attribute?.kind !== 'graph') return undefined;
  return [attribute.value, skip];
}

function constantType(node: Node): DataType | undefined {
  const value = tensorAttribute(node, 'value');
  if (value !== undefined) return value.dtype;
  const kinds = [...node.attributes.keys()];
  if (kinds.some((name) => name.startsWith('value_float'))) return 'float32';
  return kinds.some((name) => name.startsWith('value_int')) ? 'int64' : undefined;
}
