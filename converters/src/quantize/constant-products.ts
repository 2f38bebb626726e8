import { floatAttribute, intAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import { toFloats } from '../ir/tensor.ts';
import type { Constants, FoundConstant } from './constants.ts';

/** `input · weight (+ bias)` with a constant matrix: a MatMul, or a Gemm that is no more than that. */
export interface ConstantProduct {
  readonly input: string;
  readonly weightName: string;
  readonly weight: FoundConstant;
  /** True where the constant lies as [N, K] and is turned before it is multiplied. */
  readonly transposed: boolean;
  /** `''` where there is none. */
  readonly bias: string;
}

/** The product that a node is; why it is none; undefined where it does not multiply by a constant. */
export function constantProduct(
  node: Node,
  constants: Constants,
): ConstantProduct | string | undefined {
  if (!isOp(node, 'MatMul', 'Gemm')) return undefined;
  const [input = '', weightName = '', bias = ''] = node.inputs;
  const weight = constants.get(weightName);
  if (weight === undefined || constants.get(input) !== undefined) return 'no constant weights';
  if (weight.tensor.dtype !== 'float32') return `its weights are ${weight.tensor.dtype}`;
  if (weight.tensor.dims.length !== 2) return `its weights are no matrix`;
  if (weight.tensor.bytes.length === 0) return 'its weights are empty';
  if (!toFloats(weight.tensor).every(Number.isFinite)) return 'its weights are not all finite';
  if (isOp(node, 'MatMul')) return { input, weightName, weight, transposed: false, bias: '' };
  if (intAttribute(node, 'transA', 0) !== 0) return 'its left side is transposed';
  const scaled = floatAttribute(node, 'alpha', 1) !== 1 || floatAttribute(node, 'beta', 1) !== 1;
  if (scaled) return 'it scales its operands (alpha, beta)';
  return { input, weightName, weight, transposed: intAttribute(node, 'transB', 0) !== 0, bias };
}

/** A matrix constant of K rows and N columns as it is multiplied, column by column. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  at(row: number, column: number): number;
}

export function matrixOf({ weight, transposed }: ConstantProduct): Matrix {
  const [a = 0, b = 0] = weight.tensor.dims;
  const values = toFloats(weight.tensor);
  if (transposed) return { rows: b, columns: a, at: (row, column) => values[column * b + row]! };
  return { rows: a, columns: b, at: (row, column) => values[row * b + column]! };
}
