import { intAttribute } from '../ir/attributes.ts';
import { isOp, makeNode, type Node } from '../ir/graph.ts';
import { float32Tensor, makeTensor, type TensorValue, toFloats } from '../ir/tensor.ts';
import { roundHalfEven } from '../round.ts';
import { type DynamicEdit, derive, type Rewrite } from './dynamic-edit.ts';
import { weightScale } from './params.ts';

/** Inputs of LSTM that come before the scales of DynamicQuantizeLSTM. */
const LSTM_INPUTS = 8;
/** One scale a direction must cost this much in squared error before one a column is worth its time. */
const WORTH_COLUMNS = 4;

/**
 * An LSTM as com.microsoft DynamicQuantizeLSTM, which ONNX Runtime alone has: both matrices in int8,
 * turned to [directions, inputs, 4 · hidden]. Undefined for other operators.
 */
export function rewriteLstm(node: Node, edit: DynamicEdit): Rewrite | undefined {
  if (!isOp(node, 'LSTM')) return undefined;
  if (intAttribute(node, 'layout', 0) !== 0) return 'its batch comes first (layout 1)';
  const inputs = Array.from({ length: LSTM_INPUTS }, (_, i) => node.inputs[i] ?? '');
  const made: string[] = [];
  for (const index of [1, 2]) {
    const name = inputs[index]!;
    const weight = edit.constants.get(name);
    if (weight === undefined) return 'no constant weights';
    const { dtype, dims } = weight.tensor;
    if (dtype !== 'float32') return `its weights are ${dtype}`;
    if (dims.length !== 3 || dims.includes(0)) return 'its weights are of the wrong rank';
    const floats = toFloats(weight.tensor);
    if (!floats.every(Number.isFinite)) return 'its weights are not all finite';
    const names = derive(edit, name, weight, 'lstm', () => quantizeDirections(floats, dims));
    inputs[index] = names[0]!;
    made.push(...names.slice(1));
  }
  const attributes = [...node.attributes].filter(([key]) => key !== 'layout');
  const all = [...inputs, ...made];
  return [
    makeNode('DynamicQuantizeLSTM', node.name, all, node.outputs, attributes, 'com.microsoft'),
  ];
}

/**
 * Symmetric int8 of [directions, columns, rows], turned. One scale for each direction is the
 * kernel's fast way; one for each column where a few large weights would drown the others.
 */
function quantizeDirections(
  floats: Float32Array,
  [directions = 0, columns = 0, rows = 0]: readonly number[],
): Record<string, TensorValue> {
  const perColumn = scalesOf(floats, directions * columns, rows);
  const perDirection = scalesOf(floats, directions, rows * columns);
  const loss = (scales: Float32Array, length: number) =>
    floats.reduce((sum, value, i) => sum + errorOf(value, scales[Math.floor(i / length)]!), 0);
  const fine = loss(perDirection, rows * columns) > WORTH_COLUMNS * loss(perColumn, rows);
  const scales = fine ? perColumn : perDirection;
  const shape = fine ? [directions, columns] : [directions];
  const values = new Int8Array(floats.length);
  for (const [i, value] of floats.entries()) {
    const line = Math.floor(i / rows);
    const [direction, column, row] = [Math.floor(line / columns), line % columns, i % rows];
    const scale = scales[fine ? line : direction]!;
    values[(direction * rows + row) * columns + column] = quantized(value, scale);
  }
  return {
    int8: makeTensor('int8', [directions, rows, columns], values),
    scale: float32Tensor(shape, scales),
    zero_point: makeTensor('int8', shape, new Int8Array(scales.length)),
  };
}

/** One scale for each run of `length` numbers. */
function scalesOf(floats: Float32Array, count: number, length: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => {
    const run = floats.subarray(i * length, (i + 1) * length);
    return weightScale(
      run.reduce((max, value) => Math.max(max, Math.abs(value)), 0),
      false,
    );
  });
}

function errorOf(value: number, scale: number): number {
  return (value - quantized(value, scale) * scale) ** 2;
}

function quantized(value: number, scale: number): number {
  return roundHalfEven(Math.fround(value / scale));
}
