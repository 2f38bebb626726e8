import { intAttribute } from '../../ir/attributes.ts';
import { isOp, type Node } from '../../ir/graph.ts';
import { elementCount, type TensorValue, toFloats } from '../../ir/tensor.ts';

/**
 * A product with constant weights as matrices, one for each group of a convolution: a row makes one
 * output channel, its columns are what an output sums over (input channel by kernel position).
 */
export interface ProductShape {
  readonly groups: number;
  /** Rows and columns of one group. */
  readonly rows: number;
  readonly columns: number;
}

export function productShape(node: Node, weight: TensorValue): ProductShape {
  if (isOp(node, 'Conv')) {
    const groups = intAttribute(node, 'group', 1);
    const [outputs = 1] = weight.dims;
    return { groups, rows: outputs / groups, columns: elementCount(weight) / outputs };
  }
  const [first = 1, second = 1] = weight.dims;
  return outputsFirst(node)
    ? { groups: 1, rows: first, columns: second }
    : { groups: 1, rows: second, columns: first };
}

/** True where the weights lie row by row already. */
function outputsFirst(node: Node): boolean {
  return isOp(node, 'Conv') || (isOp(node, 'Gemm') && intAttribute(node, 'transB', 0) === 1);
}

/** The weights row by row, the groups one after the other. */
export function weightRows(node: Node, weight: TensorValue): Float64Array {
  const data = Float64Array.from(toFloats(weight));
  if (outputsFirst(node)) return data;
  const { rows, columns } = productShape(node, weight);
  return transposed(data, columns, rows, new Float64Array(data.length));
}

/** Integers row by row as the layout of the weights has them. */
export function toWeightLayout(node: Node, weight: TensorValue, values: Int8Array): Int8Array {
  if (outputsFirst(node)) return values;
  const { rows, columns } = productShape(node, weight);
  return transposed(values, rows, columns, new Int8Array(values.length));
}

function transposed<T extends Int8Array | Float64Array>(
  source: T,
  rows: number,
  columns: number,
  result: T,
): T {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = source[i * columns + j]!;
  }
  return result;
}
