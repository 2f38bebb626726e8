import { describe, expect, it } from 'vitest';
import { normalTail, spentAlpha, writeP } from './statistics.ts';

describe('tails', () => {
  it.each([
    [0, 0.5],
    [1.6448536269514722, 0.05],
    [3.090232306167813, 0.001],
    [-1, 0.8413447460685429],
    [8, 6.220960574271785e-16],
    [20, 2.7536241186062337e-89],
  ])('of a standard normal beyond %f', (z, p) => {
    expect(normalTail(z) / p).toBeCloseTo(1, 7);
  });
});

describe('the error rate', () => {
  it('spent over all looks is the one asked for', () => {
    let total = 0;
    for (let n = 50; n < 50 * 2 ** 40; n *= 2) total += spentAlpha(0.001, n, 50);
    expect(total).toBeLessThanOrEqual(0.001);
    expect(total).toBeGreaterThan(0.0009);
  });

  it('is written with the digits that say something', () => {
    expect([0.5, 0.0123, 0.00012, 1e-12].map(writeP)).toEqual([
      'p = 0.500',
      'p = 0.012',
      'p = 1.2e-4',
      'p < 1e-9',
    ]);
  });
});
