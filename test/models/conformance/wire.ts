/**
 * Protocol buffers as they lie on the wire (protobuf.dev, "Encoding"), read without the schema that
 * the converters read with: what they lose, this still sees.
 */

/** One occurrence of a field: a number of wire type 0, 1 or 5, or the bytes of wire type 2. */
export interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
  /** Bytes of a fixed-size number; 0 for a varint. */
  readonly size: 0 | 4 | 8;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** @throws RangeError where the bytes end within a field */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = { offset: 0 };
  while (at.offset < bytes.length) {
    const tag = Number(varint(view, at));
    const number = tag >>> 3;
    switch (tag & 7) {
      case VARINT:
        yield { number, value: varint(view, at), size: 0 };
        break;
      case FIXED64:
        yield { number, value: view.getBigUint64(advance(at, 8), true), size: 8 };
        break;
      case FIXED32:
        yield { number, value: BigInt(view.getUint32(advance(at, 4), true)), size: 4 };
        break;
      case BYTES: {
        const length = Number(varint(view, at));
        const start = advance(at, length);
        if (start + length > bytes.length) throw new RangeError('a field reaches over the end');
        yield { number, value: bytes.subarray(start, start + length), size: 0 };
        break;
      }
      default:
        throw new RangeError(`field ${number} has wire type ${tag & 7}`);
    }
  }
}

/** The numbers of a repeated field, packed or not. */
export function numbersOf(fields: readonly Field[], size: 0 | 4 | 8): bigint[] {
  return fields.flatMap(({ value }) => (typeof value === 'bigint' ? [value] : unpack(value, size)));
}

function unpack(bytes: Uint8Array, size: 0 | 4 | 8): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = { offset: 0 };
  const numbers: bigint[] = [];
  while (at.offset < bytes.length) {
    if (size === 0) numbers.push(varint(view, at));
    else if (size === 4) numbers.push(BigInt(view.getUint32(advance(at, 4), true)));
    else numbers.push(view.getBigUint64(advance(at, 8), true));
  }
  return numbers;
}

function varint(view: DataView, at: { offset: number }): bigint {
  let value = 0n;
  for (let shift = 0n; ; shift += 7n) {
    const byte = view.getUint8(advance(at, 1));
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return BigInt.asUintN(64, value);
  }
}

function advance(at: { offset: number }, bytes: number): number {
  const start = at.offset;
  at.offset += bytes;
  return start;
}
