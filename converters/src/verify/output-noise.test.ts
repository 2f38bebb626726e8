import type { Tensors } from '@flotilla/model';
import { describe, expect, test } from 'vitest';
import { compareOutputNoise } from './output-noise.ts';

const tensor = (shape: readonly number[], values: readonly number[]): Tensors => ({
  y: { type: 'FP32', shape, data: Float32Array.from(values) },
});

function compared(pairs: readonly (readonly [Tensors, Tensors])[]) {
  const comparison = compareOutputNoise();
  for (const [expected, actual] of pairs) comparison.observe(expected, actual);
  return comparison.result();
}

describe('noise in outputs', () => {
  test('is none where they are equal, NaN included', () => {
    const one = tensor([1, 3], [1, Number.NaN, 3]);
    expect(compared([[one, one]])).toEqual({
      agrees: [true],
      noise: [0],
      divergence: 0,
      db: 150,
    });
  });

  test('is too much below 20 dB, sample by sample', () => {
    const expected = tensor([1, 2], [1, 1]);
    const result = compared([
      [expected, tensor([1, 2], [1.05, 1])],
      [expected, tensor([1, 2], [1.5, 1])],
    ]);
    expect(result.agrees).toEqual([true, false]);
    expect(result.noise[1]).toBeCloseTo(0.5 ** 2 / 2, 6);
    expect(result.db).toBeCloseTo(10 * Math.log10(4 / (0.05 ** 2 + 0.5 ** 2)), 3);
  });

  test('is told apart for scores beside boxes in pixels', () => {
    // Channels x, y, score a, score b, each at five places.
    const boxes = [300, 310, 320, 330, 340, 200, 205, 210, 215, 220];
    const scores = [0.9, 0.1, 0.2, 0.8, 0.1, 0.1, 0.9, 0.3, 0.2, 0.7];
    const expected = tensor([1, 4, 5], [...boxes, ...scores]);
    const dead = tensor([1, 4, 5], [...boxes, ...scores.map(() => 0)]);
    const result = compared([[expected, dead]]);
    expect(result.agrees).toEqual([false]);
    expect(result.divergence).toBeCloseTo(1, 6);
  });

  test('in a sample that holds next to nothing is measured by what the others hold', () => {
    const loud = tensor([1, 2], [1, 1]);
    const result = compared([
      [loud, loud],
      [tensor([1, 2], [1e-4, 0]), tensor([1, 2], [0, 0])],
    ]);
    expect(result.agrees).toEqual([true, true]);
  });

  test('of a missing or misshapen output is all there can be', () => {
    const expected = tensor([1, 2], [1, 1]);
    expect(compared([[expected, {}]]).agrees).toEqual([false]);
    expect(compared([[expected, tensor([2, 1], [1, 1])]]).db).toBe(-150);
  });
});
