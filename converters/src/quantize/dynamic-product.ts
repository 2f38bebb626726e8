import { int } from '../ir/attributes.ts';
import { DATA_TYPES } from '../ir/dtype.ts';
import { makeNode, type Node } from '../ir/graph.ts';
import { float32Tensor, makeTensor, type TensorValue } from '../ir/tensor.ts';
import { roundHalfEven } from '../round.ts';
import {
  type ConstantProduct,
  constantProduct,
  type Matrix,
  matrixOf,
} from './constant-products.ts';
import { type DynamicEdit, derive, type Rewrite } from './dynamic-edit.ts';
import { weightScale } from './params.ts';

/** Products of 255 · 127 that an int32 sum holds without overflow. */
const MAX_ROWS = Math.floor((2 ** 31 - 1) / (255 * 127));

/**
 * A product in the form that ONNX Runtime turns into one node (MatMulIntegerToFloat, and
 * DynamicQuantizeMatMul where nothing else takes the quantized input). Undefined for other operators.
 */
export function rewriteProduct(node: Node, edit: DynamicEdit): Rewrite | undefined {
  const product = constantProduct(node, edit.constants);
  if (product === undefined || typeof product === 'string') return product;
  const matrix = matrixOf(product);
  if (matrix.rows > MAX_ROWS) return `sums of ${matrix.rows} products would overflow int32`;
  const { weightName, weight, transposed, bias } = product;
  const use = transposed ? 'turned product' : 'product';
  const [weights = '', weightScales = ''] = derive(edit, weightName, weight, use, () =>
    quantizeColumns(matrix),
  );
  const { before, names } = quantizeInput(product, edit);
  const [values, scale, zeroPoint] = names;
  const [output = ''] = node.outputs;
  const sums = edit.namer.fresh(`${output}_sums`);
  const floats = edit.namer.fresh(`${output}_floats`);
  const scales = edit.namer.fresh(`${output}_scale`);
  const scaled = bias === '' ? output : edit.namer.fresh(`${output}_scaled`);
  const make = (op: string, suffix: string, inputs: string[], made: string, to?: number) => {
    const attributes = to === undefined ? [] : [['to', int(to)] as const];
    return makeNode(op, edit.namer.fresh(`${node.name}_${suffix}`), inputs, [made], attributes);
  };
  return [
    ...before,
    make('MatMulInteger', 'integers', [values, weights, zeroPoint], sums),
    make('Cast', 'cast', [sums], floats, DATA_TYPES.float32.code),
    make('Mul', 'scales', [scale, weightScales], scales),
    make('Mul', 'scale', [floats, scales], scaled),
    ...(bias === '' ? [] : [make('Add', 'bias', [scaled, bias], output)]),
  ];
}

/** One DynamicQuantizeLinear for all that take the value within a graph. */
function quantizeInput({ input }: ConstantProduct, { quantized, namer }: DynamicEdit) {
  const known = quantized.get(input);
  if (known !== undefined) return { before: [], names: known };
  const names = ['quantized', 'scale', 'zero_point'].map((suffix) =>
    namer.fresh(`${input}_${suffix}`),
  ) as [string, string, string];
  quantized.set(input, names);
  const name = namer.fresh(`${input}_DynamicQuantizeLinear`);
  return { before: [makeNode('DynamicQuantizeLinear', name, [input], names)], names };
}

/**
 * Symmetric int8, one scale a column. The left side is uint8, and kernels for uint8 × uint8 take
 * twice the time where there is a dot product for uint8 × int8.
 */
function quantizeColumns({ rows, columns, at }: Matrix): Record<string, TensorValue> {
  const scales = Float32Array.from({ length: columns }, (_, column) => {
    let magnitude = 0;
    for (let row = 0; row < rows; row++) magnitude = Math.max(magnitude, Math.abs(at(row, column)));
    return weightScale(magnitude, false);
  });
  const values = new Int8Array(rows * columns);
  for (let i = 0; i < values.length; i++) {
    const column = i % columns;
    const value = at(Math.floor(i / columns), column) / scales[column]!;
    values[i] = roundHalfEven(Math.fround(value));
  }
  return {
    int8: makeTensor('int8', [rows, columns], values),
    scale: float32Tensor([columns], scales),
  };
}
