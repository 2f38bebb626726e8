import { describe, expect, it } from 'vitest';
import { uniforms } from '../testing/random.ts';
import { createPowerSpectrum } from './fft.ts';

/** By the definition. */
function slowPower(frame: Float64Array, k: number): number {
  let re = 0;
  let im = 0;
  for (const [n, x] of frame.entries()) {
    const angle = (2 * Math.PI * ((k * n) % frame.length)) / frame.length;
    re += x * Math.cos(angle);
    im -= x * Math.sin(angle);
  }
  return re * re + im * im;
}

describe('createPowerSpectrum', () => {
  it.each([2, 4, 6, 10, 64, 98, 400, 512, 1000])('equals the definition for %i samples', (size) => {
    const random = uniforms(size);
    const frame = Float64Array.from({ length: size }, () => 2 * random() - 1);
    const power = new Float64Array(size / 2 + 1);
    const make = createPowerSpectrum(size);
    // Twice: buffers must not carry anything over.
    make(
      frame.map((x) => -3 * x),
      power,
    );
    make(frame, power);
    const expected = power.map((_, k) => slowPower(frame, k));
    const error = power.map((value, k) => Math.abs(value - expected[k]!));
    expect(Math.max(...error)).toBeLessThan(1e-9 * size);
  });
});
