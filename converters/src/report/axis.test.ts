import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearAxis, logAxis, signedLogAxis } from './axis.ts';

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

  it('has the decades on either side of zero where values have both signs', () => {
    const ends = { from: 0, to: 500 };
    const axis = signedLogAxis([-24, 0, 2.6, 21], { ...ends, sizes: [2.6, 24] });
    expect(axis.ticks).toEqual([-10, -1, 0, 1, 10]);
    expect([-24, 21].map((value) => Math.round(axis.at(value)))).toEqual([0, 500]);
    const positive = signedLogAxis([0, 500], { ...ends, sizes: [3, 500] });
    expect(positive.ticks).toEqual([0, 1, 10, 100]);
    expect(signedLogAxis([0, 0], { ...ends, sizes: [0] }).ticks).toEqual([0]);
  });

  it('leaves out decades that would stand too close', () => {
    const values = [-31_000, 30_500, 1e-12];
    const axis = signedLogAxis(values, { from: 0, to: 300, sizes: [1e-12, 31_000] });
    const places = axis.ticks.map((tick) => axis.at(tick));
    expect(axis.ticks.length).toBeGreaterThan(4);
    expect(places.slice(1).every((place, i) => place - (places[i] ?? 0) >= 22)).toBe(true);
  });

  it('orders values by a signed logarithm, whatever they are', () => {
    const numbers = fc.array(fc.double({ noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, (values) => {
        const sizes = values.map(Math.abs);
        const axis = signedLogAxis(values, { from: 10, to: 90, sizes });
        expect(axis.ticks.length).toBeLessThan(20);
        const places = values.toSorted((a, b) => a - b).map((value) => axis.at(value));
        expect(places).toEqual(places.toSorted((a, b) => a - b));
        expect(places.every((place) => place >= 10 && place <= 90)).toBe(true);
      }),
      { seed: 7 },
    );
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
