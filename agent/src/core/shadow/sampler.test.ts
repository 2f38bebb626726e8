import { describe, expect, test } from 'vitest';
import { createSampler } from './sampler.ts';

const draws = (seed: string, permille: number, count: number): boolean[] => {
  const takes = createSampler(seed);
  return Array.from({ length: count }, () => takes(permille));
};
const taken = (chosen: readonly boolean[]) => chosen.filter((yes) => yes).length;

describe('sampler', () => {
  test.each([10, 100, 500])('takes %i of 1000', (permille) => {
    const count = 100_000;
    const share = taken(draws('01jx', permille, count)) / count;
    // 4 standard deviations of a binomial
    const p = permille / 1000;
    expect(Math.abs(share - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / count));
  });

  test('takes all or none where that is wanted', () => {
    expect(taken(draws('a', 1000, 5000))).toBe(5000);
    expect(taken(draws('a', 0, 5000))).toBe(0);
  });

  test('takes its share of each camera where ten are asked in turns', () => {
    const chosen = draws('01jx', 100, 50_000);
    for (let camera = 0; camera < 10; camera++) {
      const own = chosen.filter((_, i) => i % 10 === camera);
      expect(taken(own) / own.length).toBeCloseTo(0.1, 1);
      expect(taken(own)).toBeGreaterThan(400);
    }
  });

  test('takes the same after the same start, and others for another shadow', () => {
    expect(draws('a', 500, 64)).toEqual(draws('a', 500, 64));
    expect(draws('a', 500, 64)).not.toEqual(draws('b', 500, 64));
  });
});
