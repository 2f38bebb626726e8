import { type Draft, FlotillaError } from '@flotilla/protocol';
import protobuf from 'protobufjs/light.js';
import type { StoredBytes } from '../../ir/stored.ts';
import type { ModelProto } from './onnx.gen.ts';
import { MODEL } from './schema.ts';

/** Raw data of a tensor, which is not copied into the message: it goes from where it lies to the file. */
export type Payload = Uint8Array | StoredBytes;

/** The raw data of those tensor messages that were made without it. */
export type Payloads = ReadonlyMap<object, Payload>;

const RAW_DATA = 9;

/** Names of the fields on the way from a model to a tensor. */
const WAY = [
  'graph',
  'functions',
  'node',
  'initializer',
  'attribute',
  'attributeProto',
  't',
  'tensors',
  'g',
  'graphs',
] as const;

type Message = Record<string, unknown>;

/**
 * What `encodeModel` would give with every payload in its tensor, in pieces that come one after the
 * other.
 *
 * @throws FlotillaError `model.graph-invalid` where graphs are nested deeper than a reader would take
 */
export function encodePieces(message: Draft<ModelProto>, payloads: Payloads): Payload[] {
  try {
    return new PieceEncoder(payloads).encode(MODEL, message as Message);
  } catch (cause) {
    if (!(cause instanceof Error) || !cause.message.includes('depth')) throw cause;
    const reason = 'its graphs are nested too deep to be written';
    throw new FlotillaError(
      'model.graph-invalid',
      { graph: message.graph?.name ?? '', reason },
      { cause },
    );
  }
}

export function totalLength(pieces: readonly Payload[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

class PieceEncoder {
  readonly #payloads: Payloads;
  readonly #carriers = new Map<object, boolean>();
  readonly #fields = new Map<protobuf.Type, protobuf.Field[]>();

  constructor(payloads: Payloads) {
    this.#payloads = payloads;
  }

  /** Fields in the order of their numbers, those without a payload in one go. */
  encode(type: protobuf.Type, message: Message): Payload[] {
    if (!this.#carries(message)) return [type.encode(message).finish()];
    const pieces: Payload[] = [];
    let plain: Message = {};
    const flush = () => {
      pieces.push(type.encode(plain).finish());
      plain = {};
    };
    for (const field of this.#fieldsInOrder(type)) {
      const payload = field.id === RAW_DATA ? this.#payloads.get(message) : undefined;
      const value = message[field.name];
      if (payload !== undefined) {
        flush();
        pieces.push(head(field.id, payload.length), payload);
      } else if (value !== undefined && this.#carriesIn(field.name, value)) {
        flush();
        for (const each of messagesOf(value)) this.#append(field, each, pieces);
      } else if (value !== undefined) {
        plain[field.name] = value;
      }
    }
    Object.defineProperty(plain, '$unknowns', { value: message.$unknowns });
    flush();
    return pieces.filter(({ length }) => length > 0);
  }

  #append(field: protobuf.Field, message: Message, pieces: Payload[]): void {
    const inner = this.encode(field.resolvedType as protobuf.Type, message);
    pieces.push(head(field.id, totalLength(inner)));
    for (const piece of inner) pieces.push(piece);
  }

  #carries(message: Message): boolean {
    const known = this.#carriers.get(message);
    if (known !== undefined) return known;
    const carries =
      this.#payloads.has(message) || WAY.some((name) => this.#carriesIn(name, message[name]));
    this.#carriers.set(message, carries);
    return carries;
  }

  #carriesIn(name: string, value: unknown): boolean {
    if (value === undefined || value === null || !WAY.some((each) => each === name)) return false;
    return messagesOf(value).some((each) => this.#carries(each));
  }

  #fieldsInOrder(type: protobuf.Type): protobuf.Field[] {
    const known = this.#fields.get(type);
    const fields = known ?? type.fieldsArray.map((field) => field.resolve()).sort(byNumber);
    this.#fields.set(type, fields);
    return fields;
  }
}

function byNumber(a: protobuf.Field, b: protobuf.Field): number {
  return a.id - b.id;
}

function messagesOf(value: unknown): Message[] {
  return Array.isArray(value) ? value : [value as Message];
}

/** Tag and length of a field whose value follows. */
function head(field: number, length: number): Uint8Array {
  return protobuf.Writer.create()
    .uint32((field << 3) | 2)
    .uint32(length)
    .finish();
}
