import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearAxis, logAxis } from './axis.ts';

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
      { seed: 7 },
    );
  });

  it('keeps the order of values', () => {
    const axis = linearAxis([-3, 8], { from: 0, to: 100 });
    const places = [-3, 0, 2, 8].map((value) => axis.at(value));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(new Set(places).size).toBe(4);
  });

  it('has a tick for each power of ten', () => {
    const axis = logAxis([0.02, 3, 0], { from: 0, to: 80 });
    expect(axis.ticks).toEqual([1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10]);
    expect([0, 1e-7, 0.001, 10].map((value) => Math.round(axis.at(value)))).toEqual([0, 0, 40, 80]);
  });

  it.each([linearAxis, logAxis])('stands with what is infinite or no number', (axisOf) => {
    const values = [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const axis = axisOf(values, { from: 10, to: 90 });
    expect(axis.ticks.every(Number.isFinite)).toBe(true);
    expect(values.slice(2).map((value) => axis.at(value))).toEqual([90, 10]);
    expect(axis.at(Number.NaN)).toBe(10);
    expect(axisOf(values.slice(1), { from: 10, to: 90 }).at(1)).toBe(10);
  });
});
