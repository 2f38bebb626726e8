import { describe, expect, it } from 'vitest';
import { armOf, difference, meanOf } from './intervals.ts';

const FLOOR = 0.001;

/** Standard normal numbers from a seed (mulberry32, Box–Muller). */
function normals(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}

describe('the interval of a difference between arms', () => {
  it('holds the true difference at every look, in at least 95 % of experiments', () => {
    let misses = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const draw = normals(seed);
      const [a, b]: [number[], number[]] = [[], []];
      let missed = false;
      for (let devices = 1; devices <= 200 && !missed; devices++) {
        a.push(1 + 0.2 * draw());
        b.push(1.05 + 0.2 * draw());
        const { low, high } = difference(armOf(a), armOf(b), FLOOR);
        missed = low !== undefined && high !== undefined && (low > 0.05 || high < 0.05);
      }
      if (missed) misses++;
    }
    expect(misses).toBeLessThanOrEqual(20);
  });

  it('tells a difference that is there from none, and gets narrower with more devices', () => {
    const draw = normals(7);
    const arm = (mean: number, devices: number) =>
      armOf(Array.from({ length: devices }, () => mean + 0.2 * draw()));
    const few = difference(arm(1, 10), arm(1.3, 10), FLOOR);
    const many = difference(arm(1, 500), arm(1.3, 500), FLOOR);
    expect(many.low).toBeGreaterThan(0);
    expect(many.high! - many.low!).toBeLessThan(few.high! - few.low!);
    expect(many.value).toBeCloseTo(0.3, 1);
  });

  it('claims nothing of too few devices', () => {
    expect(difference(armOf([1]), armOf([2, 3]), FLOOR)).toEqual({ value: 1.5 });
    expect(difference(armOf([1, 1]), armOf([2, 2]), FLOOR)).toEqual({ value: 1 });
    expect(meanOf(armOf([]), FLOOR)).toEqual({ value: 0 });
    expect(meanOf(armOf([1, 2, 3, 4]), FLOOR)).toEqual({ value: 2.5 });
  });
});
