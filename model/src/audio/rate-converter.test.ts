import { describe, expect, it } from 'vitest';
import { tone } from '../testing/audio.ts';
import { createRateConverter } from './rate-converter.ts';

/** Largest difference where the filter is not cut off by the ends of the clip. */
function worst(a: Float32Array, b: Float32Array): number {
  const margin = Math.ceil(a.length / 5);
  let error = 0;
  for (let i = margin; i < a.length - margin; i++) error = Math.max(error, Math.abs(a[i]! - b[i]!));
  return error;
}

describe('createRateConverter', () => {
  it.each([
    [48_000, 16_000, 6000],
    [44_100, 16_000, 6000],
    [8000, 16_000, 3000],
    [16_000, 44_100, 6000],
    [22_050, 16_000, 1000],
    [16_001, 16_000, 6000],
    [47_999, 16_001, 5000],
  ])('keeps a tone: %i Hz to %i Hz', (from, to, hz) => {
    const out = createRateConverter(from, to)(tone(hz, from, from / 10));
    expect(out.length).toBe(Math.ceil((Math.floor(from / 10) * to) / from));
    expect(worst(out, tone(hz, to, out.length))).toBeLessThan(1e-3);
  });

  it.each([9000, 12_000, 20_000])('takes away a tone of %i Hz that 16 kHz cannot hold', (hz) => {
    const out = createRateConverter(48_000, 16_000)(tone(hz, 48_000, 9600));
    expect(worst(out, new Float32Array(out.length))).toBeLessThan(1e-4);
  });

  it('keeps a constant, and samples of the same rate as they are', () => {
    const out = createRateConverter(44_100, 16_000)(new Float32Array(8820).fill(0.5));
    expect(worst(out, new Float32Array(out.length).fill(0.5))).toBeLessThan(1e-6);
    const samples = tone(100, 16_000, 10);
    expect(createRateConverter(16_000, 16_000)(samples)).toBe(samples);
  });

  it('takes clips without samples, and rates far apart', () => {
    expect(createRateConverter(48_000, 16_000)(new Float32Array())).toHaveLength(0);
    expect(createRateConverter(768_000, 1000)(new Float32Array(7680))).toHaveLength(10);
    const out = createRateConverter(1000, 384_000)(new Float32Array(20));
    expect(out).toHaveLength(7680);
    expect(out.every((x) => x === 0)).toBe(true);
  });
});
