import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from './digest.ts';
import { isFlotillaError } from './error.ts';
import fixtures from './fixtures/wire-1.0.json' with { type: 'json' };
import { decode, encode, MAX_PAYLOAD_BYTES, type MessageName, type Messages } from './messages.ts';

const NAMES = {
  State: true,
  Sync: true,
  Desired: true,
  Record: true,
  Ack: true,
  Halt: true,
  ServerState: true,
  Command: true,
  CommandResult: true,
  BlobRequest: true,
  BlobChunk: true,
  Live: true,
} as const satisfies Record<MessageName, true>;
const names = Object.keys(NAMES) as MessageName[];

const bytesOf = (hex: string) => fromHex(hex) ?? new Uint8Array();

/** Bytes as `{hex}`, as the fixtures write them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: toHex(value) };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
}

/** The reverse of `plain`. */
function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== 'object' || value === null) return value;
  if ('hex' in value && typeof value.hex === 'string') return bytesOf(value.hex);
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revive(inner)]));
}

describe('messages of release 1.0 on the wire', () => {
  it('are kept for every name', () => {
    const later: readonly MessageName[] = ['BlobRequest', 'BlobChunk'];
    const kept = fixtures.map(({ name }) => name);
    expect(new Set([...kept, ...later])).toEqual(new Set(names));
  });

  it.each(fixtures)('$name is read', ({ name, hex, message }) => {
    // what was added since has its zero value
    expect(plain(decode(name as MessageName, bytesOf(hex)))).toMatchObject(message);
  });

  it.each(fixtures)('$name is written', ({ name, hex, message }) => {
    const draft = revive(message) as Messages[MessageName];
    expect(toHex(encode(name as MessageName, draft))).toBe(hex);
  });

  it('are protobuf, as worked out by hand', () => {
    const signed = Uint8Array.of(0x7b, 0x7d);
    const halt = encode('Halt', { generation: 300, counter: 2, halted: true, signed });
    expect(toHex(halt)).toBe('08ac02' + '1002' + '1801' + '22027b7d');
  });
});

describe('a message', () => {
  it('has a zero value for all that was left out', () => {
    expect(decode('Ack', new Uint8Array())).toEqual({ outbox: '', stored: [], rejected: [] });
    expect(decode('Desired', encode('Desired', { revision: 4 }))).toMatchObject({
      generation: 0,
      revision: 4,
      slots: [],
      keep: [],
    });
  });

  it('keeps integers as large as JavaScript has them', () => {
    const seq = Number.MAX_SAFE_INTEGER;
    expect(decode('Record', encode('Record', { seq }))).toMatchObject({ seq });
  });

  it('says which of its bodies it carries', () => {
    const record = decode('Record', encode('Record', { outcome: { step: 'commit' } }));
    expect(record.outcome).toMatchObject({ step: 'commit' });
    expect(record.window).toBeUndefined();
  });

  it('skips fields of a later version', () => {
    const later = Uint8Array.of(...encode('ServerState', { version: '9' }), 0xfa, 0x01, 0x01, 0x78);
    expect(decode('ServerState', later)).toMatchObject({ version: '9' });
  });

  it('reads the value of an enum of a later version as unspecified, however deep it lies', () => {
    const slot = Uint8Array.of(0x0a, 0x01, 0x61, 0x10, 0x09);
    const desired = Uint8Array.of(0x22, slot.length, ...slot);
    expect(decode('Desired', desired).slots).toMatchObject([
      { name: 'a', mode: 'MODE_UNSPECIFIED' },
    ]);
    expect(decode('Command', Uint8Array.of(0x10, 0x63)).kind).toBe('COMMAND_UNSPECIFIED');
  });

  it.each(names)('%s reads hostile bytes or refuses them, and does nothing else', (name) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decode(name, bytes);
        } catch (error) {
          expect(isFlotillaError(error, 'message.malformed')).toBe(true);
        }
      }),
    );
  });

  it.each(fixtures)('$name cut short is refused or shorter, never longer', ({ name, hex }) => {
    const whole = bytesOf(hex);
    for (let length = 0; length < whole.length; length++) {
      try {
        const again = encode(
          name as MessageName,
          decode(name as MessageName, whole.subarray(0, length)),
        );
        expect(again.length).toBeLessThanOrEqual(length + 16);
      } catch (error) {
        expect(isFlotillaError(error, 'message.malformed')).toBe(true);
      }
    }
  });

  it('that is too large is refused before it is read', () => {
    const large = new Uint8Array(MAX_PAYLOAD_BYTES + 1);
    expect(() => decode('State', large)).toThrow(/^a State message could not be read \(1048577 /);
  });
});
