import { expect, test } from 'vitest';
import { createDraws } from './draws.ts';

const TIMES = 20_000;
const draws = createDraws(7);

function moments(draw: () => number): { mean: number; variance: number } {
  const values = Array.from({ length: TIMES }, draw);
  const mean = values.reduce((sum, x) => sum + x, 0) / TIMES;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / TIMES };
}

test.each([
  [20, 0.002],
  [20, 0.3],
  [20, 0.9],
  [5000, 0.4],
])('%i trials of %f have the mean and variance of a binomial distribution', (n, p) => {
  const { mean, variance } = moments(() => draws.binomial(n, p));
  const expected = n * p * (1 - p);
  expect(Math.abs(mean - n * p)).toBeLessThan(5 * Math.sqrt(expected / TIMES));
  expect(variance / expected).toBeCloseTo(1, p < 0.01 ? 0 : 1);
});

test('sufficient statistics are those of so many normal values', () => {
  const means = moments(() => draws.spread(8, 3, 2).mean);
  expect(means.mean).toBeCloseTo(3, 1);
  expect(means.variance).toBeCloseTo(4 / 8, 1);
  expect(moments(() => draws.spread(8, 3, 2).m2 / 7).mean).toBeCloseTo(4, 0);
  expect(draws.spread(1, 3, 2).m2).toBe(0);
});

test('classes share all draws', () => {
  const counts = draws.multinomial(1000, [0.5, 0.3, 0.2]);
  expect(counts.reduce((sum, n) => sum + n, 0)).toBe(1000);
  expect(counts[0]).toBeGreaterThan(counts[1]!);
});
