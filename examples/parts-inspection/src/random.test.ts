import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom, seedOf } from './random.ts';

describe('createRandom', () => {
  it('repeats its sequence for the same seed', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const [one, other] = [createRandom(seed), createRandom(seed)];
        expect(Array.from({ length: 20 }, one.bits)).toEqual(
          Array.from({ length: 20 }, other.bits),
        );
      }),
    );
  });

  it('gives the reference sequence of mulberry32', () => {
    const random = createRandom(0);
    expect([random.bits(), random.bits(), random.bits()]).toEqual([1144304738, 1416247, 958946056]);
  });

  it('keeps integers within their bounds, both of which occur', () => {
    const random = createRandom(5);
    const seen = new Set(Array.from({ length: 500 }, () => random.integer(-2, 2)));
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
  });
});

describe('seedOf', () => {
  it('gives every item of neighboring series a seed of its own', () => {
    const seeds = [1, 2, 3].flatMap((series) =>
      Array.from({ length: 1000 }, (_, index) => seedOf(series, index)),
    );
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});
