import type { ElementType } from '../tensor.ts';

/** Smallest ONNX models for tests, written field by field (onnx/onnx.proto). */

export interface TinyValue {
  readonly name: string;
  readonly type?: ElementType;
  /** A text is a dimension known only at run time. */
  readonly shape: readonly (number | string)[];
}

export interface TinyNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface TinyModel {
  readonly opset?: number;
  readonly inputs: readonly TinyValue[];
  readonly outputs: readonly TinyValue[];
  readonly nodes: readonly TinyNode[];
}

/** TensorProto.DataType. */
const DATA_TYPES = {
  FP32: 1,
  UINT8: 2,
  INT8: 3,
  UINT16: 4,
  INT16: 5,
  INT32: 6,
  INT64: 7,
  BOOL: 9,
  FP16: 10,
  FP64: 11,
  UINT32: 12,
  UINT64: 13,
} as const satisfies Record<ElementType, number>;

const IR_VERSION = 8;

export function tinyModel(model: TinyModel): Uint8Array {
  const graph = message(
    ...model.nodes.map((node) => bytes(1, nodeProto(node))),
    text(2, 'tiny'),
    ...model.inputs.map((value) => bytes(11, valueInfo(value))),
    ...model.outputs.map((value) => bytes(12, valueInfo(value))),
  );
  const opset = message(text(1, ''), number(2, model.opset ?? 17));
  return message(number(1, IR_VERSION), bytes(7, graph), bytes(8, opset));
}

/** y = relu(x), both FP32 of one shape. */
export function reluModel(shape: readonly (number | string)[], opset?: number): Uint8Array {
  return tinyModel({
    opset,
    inputs: [{ name: 'x', shape }],
    outputs: [{ name: 'y', shape }],
    nodes: [{ op: 'Relu', inputs: ['x'], outputs: ['y'] }],
  });
}

function nodeProto(node: TinyNode): Uint8Array {
  return message(
    ...node.inputs.map((name) => text(1, name)),
    ...node.outputs.map((name) => text(2, name)),
    text(4, node.op),
  );
}

function valueInfo({ name, type = 'FP32', shape }: TinyValue): Uint8Array {
  const dimensions = shape.map((n) =>
    bytes(1, typeof n === 'number' ? message(number(1, n)) : message(text(2, n))),
  );
  const tensor = message(number(1, DATA_TYPES[type]), bytes(2, message(...dimensions)));
  return message(text(1, name), bytes(2, message(bytes(1, tensor))));
}

/** Protobuf's wire format: varint fields are of type 0, lengths of type 2. */
function number(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field << 3), ...varint(value)]);
}

function bytes(field: number, value: Uint8Array): Uint8Array {
  return Uint8Array.from([...varint((field << 3) | 2), ...varint(value.length), ...value]);
}

function text(field: number, value: string): Uint8Array {
  return bytes(field, new TextEncoder().encode(value));
}

function message(...fields: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(fields.flatMap((field) => [...field]));
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}
