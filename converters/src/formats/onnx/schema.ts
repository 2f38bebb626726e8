import protobuf from 'protobufjs/light.js';
import type { Extra } from '../../ir/extra.ts';
import type { AttributeProtoAttributeType, ModelProto } from './onnx.gen.ts';
import { descriptor } from './onnx.gen.ts';

const MODEL = protobuf.Root.fromJSON(descriptor).lookupType('onnx.ModelProto');

/** A message to be written: fields left out are not in the file. */
export type Draft<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? readonly Draft<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: Draft<T[K]> }
      : T;

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
  // Not a Buffer, whose `slice` gives a view where a Uint8Array gives a copy.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const reader = protobuf.Reader.create(plain);
  reader.discardUnknown = false;
  const message: unknown = MODEL.decode(reader);
  return message as ModelProto;
}

/** Encodes in the order of field numbers, so that the same message gives the same bytes. */
export function encodeModel(message: Draft<ModelProto>): Uint8Array {
  return MODEL.encode(message as Record<string, unknown>).finish();
}

/** True where the field stood in the file; otherwise reading it gives the default. */
export function has<T extends object>(message: T, field: keyof T): boolean {
  return Object.hasOwn(message, field);
}

/** All that a message carries beside the fields in `modelled`. */
export function extraOf<T extends object>(message: T, modelled: readonly (keyof T)[]): Extra {
  const skip = new Set<PropertyKey>(modelled);
  const fields = Object.fromEntries(Object.entries(message).filter(([name]) => !skip.has(name)));
  const { $unknowns = [] } = message as { $unknowns?: Uint8Array[] };
  return { fields, unknown: $unknowns };
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
