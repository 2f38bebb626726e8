import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearAxis } from './axis.ts';

describe('an axis', () => {
  it('has round ticks around its values', () => {
    expect(linearAxis([0, 0.73], { from: 0, to: 100 }).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8]);
    expect(linearAxis([-12, 31], { from: 0, to: 100 }).ticks).toEqual([
      -20, -10, 0, 10, 20, 30, 40,
    ]);
    expect(linearAxis([5], { from: 0, to: 100 }).ticks).toContain(5);
  });

  it('places every value between its ends', () => {
    const numbers = fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, (values) => {
        const axis = linearAxis(values, { from: 10, to: 90 });
        expect(axis.ticks.length).toBeLessThan(20);
        for (const value of values) {
          expect(axis.at(value)).toBeGreaterThanOrEqual(10 - 1e-6);
          expect(axis.at(value)).toBeLessThanOrEqual(90 + 1e-6);
        }
      }),
    );
  });
});
