import type { Draft } from '@flotilla/protocol';
import protobuf from 'protobufjs/light.js';
import { type Extra, NO_EXTRA } from '../../ir/extra.ts';
import type { AttributeProtoAttributeType, ModelProto, TensorProto } from './onnx.gen.ts';
import { descriptor } from './onnx.gen.ts';

/** Schema: `onnx/onnx-ml.proto` of onnx 1.23.2, whose fields only grow in number. */
const ONNX = protobuf.Root.fromJSON(descriptor);

export const MODEL = ONNX.lookupType('onnx.ModelProto');
export const TENSOR = ONNX.lookupType('onnx.TensorProto');

/** Largest message that protobuf writes and reads (protobuf.dev, proto limits). */
export const MAX_MESSAGE_BYTES = 2 ** 31 - 1;

/** `AttributeProto.type` for each kind of attribute that the IR models. */
export const ATTRIBUTE_TYPES = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const satisfies Record<string, AttributeProtoAttributeType>;

/**
 * Decodes a file into messages whose byte fields are views of `bytes`, not copies, and whose
 * unknown fields are kept.
 *
 * @throws Error where the bytes are not protobuf.
 */
export function decodeModel(bytes: Uint8Array): ModelProto {
  const reader = protobuf.Reader.create(plain(bytes));
  reader.discardUnknown = false;
  const message: unknown = MODEL.decode(reader);
  return message as ModelProto;
}

/** Encodes in the order of field numbers, so that the same message gives the same bytes. */
export function encodeModel(message: Draft<ModelProto>): Uint8Array {
  return plain(MODEL.encode(message as Record<string, unknown>).finish());
}

/** The fields of one tensor, to be joined to those of another. */
export function encodeTensor(message: Draft<TensorProto>): Uint8Array {
  return plain(TENSOR.encode(message as Record<string, unknown>).finish());
}

/** Not a Buffer, whose `slice` gives a view where that of a Uint8Array gives a copy. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** True where the field stood in the file; otherwise reading it gives the default. */
export function has<T extends object>(message: T, field: keyof T): boolean {
  return Object.hasOwn(message, field);
}

/** All that a message carries beside the fields in `modelled`. */
export function extraOf<T extends object>(message: T, modelled: readonly (keyof T)[]): Extra {
  const skip = new Set<PropertyKey>(modelled);
  const others = Object.entries(message).filter(([name, value]) => {
    const absent = Array.isArray(value) && value.length === 0;
    return !absent && !skip.has(name);
  });
  const { $unknowns = [] } = message as { $unknowns?: Uint8Array[] };
  if (others.length === 0 && $unknowns.length === 0) return NO_EXTRA;
  return { fields: Object.fromEntries(others), unknown: $unknowns };
}

/** A message with what `extraOf` took from the one it was read from. */
export function withExtra<T extends object>(message: Draft<T>, extra: Extra | undefined): Draft<T> {
  if (extra === undefined) return message;
  const whole = { ...extra.fields, ...message };
  if (extra.unknown.length > 0) {
    Object.defineProperty(whole, '$unknowns', { value: extra.unknown });
  }
  return whole;
}
