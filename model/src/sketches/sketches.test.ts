import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FixedBins } from './fixed-bins.ts';
import { LogHistogram } from './log-histogram.ts';
import { Moments } from './moments.ts';

const positive = fc.double({ min: 1e-6, max: 1e12, noNaN: true });
const values = fc.array(fc.oneof(positive, fc.constant(0)), { minLength: 1, maxLength: 300 });

function histogram(data: readonly number[], alpha?: number): LogHistogram {
  const sketch = new LogHistogram(alpha);
  for (const value of data) sketch.record(value);
  return sketch;
}

function moments(data: readonly number[]): Moments {
  const sketch = new Moments();
  for (const value of data) sketch.record(value);
  return sketch;
}

function merged<S extends { merge(other: S): void }>(first: S, ...others: S[]): S {
  for (const other of others) first.merge(other);
  return first;
}

describe('LogHistogram', () => {
  it('gives every quantile within a factor of 1 ± alpha', () => {
    const quantile = fc.double({ min: 0, max: 1, noNaN: true });
    const alpha = fc.constantFrom(0.005, 0.02, 0.1, 0.5);
    fc.assert(
      fc.property(values, quantile, alpha, (data, q, a) => {
        const sorted = data.toSorted((x, y) => x - y);
        const exact = sorted[Math.floor(q * (sorted.length - 1))]!;
        const found = histogram(data, a).quantile(q)!;
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(a * exact * (1 + 1e-9));
      }),
    );
  });

  it('merges exactly, in any order and grouping', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const whole = histogram([...a, ...b, ...c]).toWire();
        const left = merged(histogram(a), histogram(b), histogram(c)).toWire();
        const right = merged(histogram(c), merged(histogram(b), histogram(a))).toWire();
        expect(left).toEqual(whole);
        expect(right).toEqual(whole);
      }),
    );
  });

  it('has the moments of a function of what was recorded, as far as buckets tell values apart', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.1, max: 1e6, noNaN: true })), (data) => {
        const exact = data.map((value) => Math.log(value + 2));
        const { count, mean, m2 } = histogram(data).moments((value) => Math.log(value + 2));
        const average = exact.reduce((sum, x) => sum + x, 0) / Math.max(1, data.length);
        const squares = exact.reduce((sum, x) => sum + (x - average) ** 2, 0);
        expect(count).toBe(data.length);
        expect(Math.abs(mean - average)).toBeLessThan(0.0203);
        expect(Math.abs(Math.sqrt(m2) - Math.sqrt(squares))).toBeLessThan(
          0.0203 * Math.sqrt(data.length) + 1e-9,
        );
      }),
    );
    expect(histogram([0, 0]).moments((value) => value + 1)).toEqual({ count: 2, mean: 1, m2: 0 });
  });

  it('is the same on the wire for any first value of a bucket', () => {
    expect(histogram([0.99]).toWire()).toEqual(histogram([1]).toWire());
  });

  it('survives the wire', () => {
    fc.assert(
      fc.property(values, (data) => {
        const wire = histogram(data).toWire();
        const again = LogHistogram.fromWire(wire);
        expect(again.toWire()).toEqual(wire);
        expect(again.count).toBe(data.length);
      }),
    );
  });

  it('is about a kilobyte for latencies, and bounded for any values', () => {
    const wide = histogram([1e-300, 5e-324, 1e300, Number.POSITIVE_INFINITY, -5, Number.NaN]);
    expect(wide.count).toBe(5);
    expect(wide.toWire().zeros).toBe(3);
    expect(histogram([1e-8, 1e14]).toWire().counts.length).toBeLessThan(1400);
    expect(wide.quantile(1)).toBeCloseTo(1e15, -14);
    expect(new LogHistogram().quantile(0.5)).toBeUndefined();
  });

  it.each([
    { alpha: 0, offset: 0, counts: [], zeros: 0 },
    { alpha: Number.NaN, offset: 0, counts: [], zeros: 0 },
    { alpha: 0.02, offset: 0, counts: [-1], zeros: 0 },
    { alpha: 0.02, offset: 0, counts: [0.5], zeros: 0 },
    { alpha: 0.02, offset: 2 ** 31, counts: [1], zeros: 0 },
    { alpha: 0.02, offset: 0, counts: new Array(10_000).fill(1), zeros: 0 },
    { alpha: 0.02, offset: 0, counts: [], zeros: -1 },
  ])('refuses %j from the wire', (wire) => {
    expect(() => LogHistogram.fromWire(wire)).toThrow(
      expect.objectContaining({ code: 'sketch.invalid' }),
    );
  });

  it('does not merge with another alpha', () => {
    expect(() => histogram([1], 0.02).merge(histogram([1], 0.01))).toThrow('do not merge');
  });
});

describe('Moments', () => {
  const numbers = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { maxLength: 100 });

  it('agree with the two-pass formulas, however they were merged', () => {
    fc.assert(
      fc.property(numbers, numbers, (a, b) => {
        const data = [...a, ...b];
        const found = merged(moments(a), moments(b));
        expect(found.count).toBe(data.length);
        if (data.length === 0) return;
        const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
        const variance = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
        const size = Math.max(1, ...data.map(Math.abs));
        expect(Math.abs(found.mean - mean)).toBeLessThan(1e-9 * size);
        expect(Math.abs(found.std - Math.sqrt(variance))).toBeLessThan(1e-6 * size);
        const ends = [Math.min(...data), Math.max(...data)];
        // of 0 and -0, which count as one here, either may be the smaller
        expect([found.min, found.max].map((end) => Number(end) + 0)).toEqual(
          ends.map((end) => end + 0),
        );
      }),
    );
  });

  it('survive the wire, and are refused where they cannot be', () => {
    const wire = moments([3, -1, 7]).toWire();
    expect(Moments.fromWire(wire).toWire()).toEqual(wire);
    expect(Moments.fromWire(new Moments().toWire()).min).toBeUndefined();
    for (const harm of [{ count: -1 }, { m2: -1 }, { mean: Number.NaN }, { min: 9 }]) {
      expect(() => Moments.fromWire({ ...wire, ...harm })).toThrow('set of moments');
    }
  });
});

describe('FixedBins', () => {
  it('puts a value into the bin between its edges', () => {
    const bins = new FixedBins([0, 1, 10]);
    for (const value of [-5, 0, 0.5, 1, 9, 10, 1e9, Number.NaN]) bins.count(value);
    expect(bins.counts).toEqual([1, 2, 2, 2]);
    expect(bins.total).toBe(7);
  });

  it('merges by adding, with the same edges only', () => {
    const bins = new FixedBins([1], [2, 3]);
    bins.merge(new FixedBins([1], [10, 20]));
    expect(bins.counts).toEqual([12, 23]);
    expect(() => bins.merge(new FixedBins([2]))).toThrow('other edges');
  });

  it('refuses edges that do not rise and counts that do not fit', () => {
    for (const make of [
      () => new FixedBins([1, 1]),
      () => new FixedBins([Number.NaN]),
      () => new FixedBins([1], [1]),
      () => new FixedBins([1], [1, -1]),
    ]) {
      expect(make).toThrow(expect.objectContaining({ code: 'sketch.invalid' }));
    }
  });
});
