import protobuf from 'protobufjs/light.js';
import { FlotillaError } from './error.ts';
import type * as wire from './messages.gen.ts';
import { descriptor } from './messages.gen.ts';

export type * from './messages.gen.ts';

/** Every message that travels as a payload of its own, by the name it has in `messages.proto`. */
export interface Messages {
  State: wire.State;
  Sync: wire.Sync;
  Desired: wire.Desired;
  Record: wire.Record;
  Ack: wire.Ack;
  Halt: wire.Halt;
  ServerState: wire.ServerState;
  Command: wire.Command;
  CommandResult: wire.CommandResult;
  BlobRequest: wire.BlobRequest;
  BlobChunk: wire.BlobChunk;
  Live: wire.Live;
}

export type MessageName = keyof Messages;

/** What may be left out when a message is made: protobuf fills in the zero value. */
export type Draft<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer E)[]
    ? readonly Draft<E>[]
    : T extends object
      ? { readonly [K in keyof T]?: Draft<T[K]> }
      : T;

/** Largest payload that either side reads: a whole desired state with its director document. */
export const MAX_PAYLOAD_BYTES = 1 << 20;

const root = protobuf.Root.fromJSON(descriptor);

/** Encodes a message for the wire. Fields left out take their zero value. */
export function encode<K extends MessageName>(name: K, message: Draft<Messages[K]>): Uint8Array {
  const type = root.lookupType(name);
  return type.encode(type.fromObject(message as Record<string, unknown>)).finish();
}

/**
 * Decodes a payload from the wire into a plain object with every scalar and list filled in. An
 * enum's value that only a later version knows reads as the zero value, `…_UNSPECIFIED`.
 *
 * @throws FlotillaError `message.malformed` when it is too large or not such a message.
 */
export function decode<K extends MessageName>(name: K, payload: Uint8Array): Messages[K] {
  if (payload.length > MAX_PAYLOAD_BYTES) {
    const reason = `${payload.length} bytes, more than ${MAX_PAYLOAD_BYTES}`;
    throw new FlotillaError('message.malformed', { message: name, reason });
  }
  const type = root.lookupType(name);
  try {
    const message = type.toObject(type.decode(payload), {
      longs: Number,
      enums: String,
      defaults: true,
      arrays: true,
      oneofs: false,
    });
    forgetUnknownEnums(type, message);
    return message as Messages[K];
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FlotillaError('message.malformed', { message: name, reason }, { cause });
  }
}

/** The library leaves the number of an enum's value that it has no name for. */
function forgetUnknownEnums(type: protobuf.Type, message: Record<string, unknown>): void {
  for (const field of type.fieldsArray) {
    const { resolvedType } = field.resolve();
    const value = message[field.name];
    if (resolvedType instanceof protobuf.Enum) {
      if (typeof value === 'number') message[field.name] = resolvedType.valuesById[0];
    } else if (resolvedType !== null) {
      for (const inner of [value].flat()) {
        if (isRecord(inner)) forgetUnknownEnums(resolvedType, inner);
      }
    }
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
