import { intAttribute } from '../ir/attributes.ts';
import { isOp, type Node } from '../ir/graph.ts';
import { elementCount, type TensorValue } from '../ir/tensor.ts';

/** Which channels each weight of a Conv, Gemm or MatMul joins. */
export interface ChannelIndex {
  readonly outputs: number;
  /** Input channels of a Conv, rows that a Gemm or MatMul takes. */
  readonly inputs: number;
  /** By weight, in the order that they lie in. */
  readonly outputOf: Uint32Array;
  readonly inputOf: Uint32Array;
}

export function channelIndex(node: Node, weight: TensorValue): ChannelIndex {
  return isOp(node, 'Conv') ? convolution(node, weight) : matrix(node, weight);
}

function convolution(node: Node, weight: TensorValue): ChannelIndex {
  const [outputs = 1, perGroup = 1, ...kernel] = weight.dims;
  const groups = intAttribute(node, 'group', 1);
  const size = elementCount({ dims: kernel });
  const count = elementCount(weight);
  const outputOf = new Uint32Array(count);
  const inputOf = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    const pair = Math.floor(i / size);
    const output = Math.floor(pair / perGroup);
    outputOf[i] = output;
    inputOf[i] = Math.floor((output * groups) / outputs) * perGroup + (pair % perGroup);
  }
  return { outputs, inputs: perGroup * groups, outputOf, inputOf };
}

function matrix(node: Node, weight: TensorValue): ChannelIndex {
  const [first = 1, second = 1] = weight.dims;
  const outputsFirst = isOp(node, 'Gemm') && intAttribute(node, 'transB', 0) === 1;
  const rows = Uint32Array.from({ length: first * second }, (_, i) => Math.floor(i / second));
  const columns = Uint32Array.from({ length: first * second }, (_, i) => i % second);
  return outputsFirst
    ? { outputs: first, inputs: second, outputOf: rows, inputOf: columns }
    : { outputs: second, inputs: first, outputOf: columns, inputOf: rows };
}
