import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketMeter } from './packet-meter.ts';

function packet(body: number): Uint8Array {
  const length: number[] = [];
  for (let rest = body; ; rest = Math.floor(rest / 128)) {
    length.push(rest >= 128 ? (rest % 128) + 128 : rest);
    if (rest < 128) return Uint8Array.from([0x30, ...length, ...new Uint8Array(body)]);
  }
}

describe('a packet meter', () => {
  it('accepts packets up to the limit and none above it, however they are cut up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 97 }),
        (bodies, step) => {
          const bytes = Uint8Array.from(bodies.flatMap((body) => [...packet(body)]));
          const meter = new PacketMeter(300);
          let accepted = true;
          for (let at = 0; at < bytes.length && accepted; at += step) {
            accepted = meter.accepts(bytes.subarray(at, at + step));
          }
          expect(accepted).toBe(bodies.every((body) => body <= 300));
        },
      ),
    );
  });

  it('refuses a length of more than four bytes', () => {
    const meter = new PacketMeter(1e9);
    expect(meter.accepts(Uint8Array.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false);
  });
});
