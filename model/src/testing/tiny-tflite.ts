import { flatBuffer, numbers, type Part, parts, table, text } from './flatbuffer.ts';

/** Smallest TFLite models for tests (tensorflow/lite/schema/schema.fbs, version 3). */

export interface TinyTensor {
  readonly name: string;
  readonly type?: keyof typeof TENSOR_TYPES;
  readonly shape: readonly number[];
  /** Of a quantized tensor. */
  readonly scale?: number;
  readonly zeroPoint?: number;
}

export interface TinyTflite {
  readonly inputs: readonly TinyTensor[];
  readonly outputs: readonly TinyTensor[];
  /** Tensors by name. */
  readonly nodes: readonly {
    readonly op: keyof typeof OPERATORS;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
}

const TENSOR_TYPES = { FP32: 0, INT32: 2, UINT8: 3, BOOL: 6, INT16: 7, INT8: 9 } as const;
/** BuiltinOperator; and one that no runtime knows. */
const OPERATORS = { ADD: 0, RELU: 19, UNKNOWN: 126 } as const;

const SCHEMA = 3;

export function tinyTflite({ inputs, outputs, nodes }: TinyTflite): Uint8Array {
  const tensors = [...inputs, ...outputs];
  const places = (names: readonly string[]): Part =>
    numbers(Int32Array.from(names, (name) => tensors.findIndex((one) => one.name === name)));
  const subgraph = table(
    parts(...tensors.map(tensor)),
    places(inputs.map(({ name }) => name)),
    places(outputs.map(({ name }) => name)),
    parts(...nodes.map((node, index) => table(index, places(node.inputs), places(node.outputs)))),
  );
  const codes = nodes.map(({ op }) => table(OPERATORS[op], undefined, 1, OPERATORS[op]));
  // by convention the first buffer is empty, and tensors without data refer to it
  const model = table(SCHEMA, parts(...codes), parts(subgraph), text('tiny'), parts(table()));
  return flatBuffer(model, 'TFL3');
}

function tensor({ name, type = 'FP32', shape, scale, zeroPoint = 0 }: TinyTensor): Part {
  const quantization =
    scale === undefined
      ? undefined
      : table(
          undefined,
          undefined,
          numbers(Float32Array.of(scale)),
          numbers(BigInt64Array.of(BigInt(zeroPoint))),
        );
  const dimensions = numbers(Int32Array.from(shape));
  return table(dimensions, TENSOR_TYPES[type], 0, text(name), quantization);
}

/** sum = a + b, positive = relu(a), all FP32 of one shape. */
export function addModel(shape: readonly number[]): Uint8Array {
  return tinyTflite({
    inputs: [
      { name: 'a', shape },
      { name: 'b', shape },
    ],
    outputs: [
      { name: 'sum', shape },
      { name: 'positive', shape },
    ],
    nodes: [
      { op: 'ADD', inputs: ['a', 'b'], outputs: ['sum'] },
      { op: 'RELU', inputs: ['a'], outputs: ['positive'] },
    ],
  });
}
