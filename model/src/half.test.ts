import { describe, expect, it } from 'vitest';
import { fromHalves, toHalves } from './half.ts';

describe('binary16', () => {
  it('reads every bit pattern as the engine does', () => {
    const patterns = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const expected = Float32Array.from(new Float16Array(patterns.buffer));
    expect(fromHalves(patterns)).toEqual(expected);
  });

  it('rounds as the engine does, ties to even', () => {
    const all = fromHalves(Uint16Array.from({ length: 0x7c00 }, (_, i) => i));
    const values = Array.from(all).flatMap((value, i) => {
      const next = all[i + 1] ?? 65536;
      return [value, -value, (value + next) / 2, value + (next - value) * 0.49];
    });
    values.push(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e9, -1e9, 1e-30, 65519.99);
    const floats = Float32Array.from(values);
    const expected = new Uint16Array(Float16Array.from(floats).buffer);
    expect(toHalves(floats)).toEqual(expected);
    expect(fromHalves(toHalves([Number.NaN]))[0]).toBeNaN();
  });
});
