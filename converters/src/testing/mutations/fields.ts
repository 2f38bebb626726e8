import protobuf from 'protobufjs/light.js';
import type { Chance } from './chance.ts';

/** A field of a message as it lies on the wire; `bytes` is its value without tag and length. */
interface WireField {
  readonly number: number;
  readonly wireType: number;
  readonly bytes: Uint8Array;
}

type Change = (fields: WireField[], at: number, chance: Chance, others: WireField[]) => void;

const CHANGES: readonly Change[] = [
  (fields, at) => fields.splice(at, 1),
  (fields, at) => fields.splice(at, 0, fields[at]!),
  (fields, at, chance) => swap(fields, at, chance.below(fields.length)),
  (fields, at, chance, others) => fields.splice(at, 1, chance.pick(others)),
  (fields, at, chance, others) => fields.splice(at, 0, chance.pick(others)),
  (fields, at, chance) => replace(fields, at, { number: 1 + chance.below(26) }),
  (fields, at, chance) => replace(fields, at, { wireType: chance.below(8) }),
  (fields, at, chance) => replace(fields, at, numberIn(fields[at]!, chance)),
  (fields, at, chance) => replace(fields, at, { bytes: nested(fields[at]!, chance) }),
];

/** Changes to the fields of messages in a file, at any depth, that leave the lengths around right. */
export function changeFields(file: Uint8Array, chance: Chance, other: Uint8Array): Uint8Array {
  const others = parse(other) ?? [];
  let changed = file;
  for (let n = 1 + chance.below(3); n > 0; n--) changed = changeWithin(changed, chance, others);
  return changed;
}

/** Goes down a random way, and changes a field where it ends. */
function changeWithin(message: Uint8Array, chance: Chance, others: WireField[]): Uint8Array {
  const fields = parse(message);
  if (fields === undefined || fields.length === 0) return message;
  const at = chance.below(fields.length);
  const { wireType, bytes } = fields[at]!;
  const inner = wireType === 2 && bytes.length < 1 << 16 ? parse(bytes) : undefined;
  if (inner !== undefined && inner.length > 0 && chance.below(8) > 0) {
    const further = (others.length > 0 && parse(chance.pick(others).bytes)) || others;
    replace(fields, at, { bytes: changeWithin(bytes, chance, further) });
  } else {
    chance.pick(CHANGES)(fields, at, chance, others.length > 0 ? others : fields);
  }
  return encode(fields);
}

/** The fields of a message, or undefined where the bytes are none. */
function parse(message: Uint8Array): WireField[] | undefined {
  const reader = protobuf.Reader.create(message);
  const fields: WireField[] = [];
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      const wireType = tag & 7;
      if (tag >>> 3 === 0 || wireType === 3 || wireType === 4) return undefined;
      const start = reader.pos;
      const bytes = wireType === 2 ? reader.bytes() : undefined;
      if (bytes === undefined) reader.skipType(wireType);
      fields.push({
        number: tag >>> 3,
        wireType,
        bytes: bytes ?? message.subarray(start, reader.pos),
      });
    }
  } catch {
    return undefined;
  }
  return fields;
}

function encode(fields: readonly WireField[]): Uint8Array {
  const parts = fields.flatMap(({ number, wireType, bytes }) => {
    const writer = protobuf.Writer.create().uint32(((number << 3) | wireType) >>> 0);
    return [wireType === 2 ? writer.uint32(bytes.length).finish() : writer.finish(), bytes];
  });
  return new Uint8Array(Buffer.concat(parts));
}

function replace(fields: WireField[], at: number, change: Partial<WireField>): void {
  fields[at] = { ...fields[at]!, ...change };
}

function swap(fields: WireField[], a: number, b: number): void {
  [fields[a], fields[b]] = [fields[b]!, fields[a]!];
}

/** A number of consequence; a value with a length gets the bytes of one. */
function numberIn({ wireType }: WireField, chance: Chance): Partial<WireField> {
  const number = chance.pick([
    0n,
    1n,
    -1n,
    2n ** 31n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    10n ** 12n,
    27n,
  ]);
  const bytes = new protobuf.Writer().uint64(BigInt.asUintN(64, number).toString()).finish();
  return wireType === 1 || wireType === 5 ? { wireType: 0, bytes } : { bytes };
}

/** The value within itself, many times over. */
function nested({ number, wireType, bytes }: WireField, chance: Chance): Uint8Array {
  let within = bytes.subarray(0, 64);
  if (wireType !== 2) return bytes;
  for (let n = chance.below(200); n > 0; n--)
    within = encode([{ number, wireType, bytes: within }]);
  return within;
}
