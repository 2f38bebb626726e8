import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createHistogram } from './histogram.ts';

const values = fc.array(fc.float({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });

test('a range of full coverage holds every value, at most two bins wider than needed', () => {
  fc.assert(
    fc.property(fc.array(values, { minLength: 1 }), (batches) => {
      const histogram = createHistogram();
      for (const batch of batches) histogram.add(Float32Array.from(batch));
      const all = Float32Array.from(batches.flat());
      const low = Math.min(...all);
      const high = Math.max(...all);
      const bin = Math.max(Math.abs(low), Math.abs(high)) / 1024;
      const { min, max } = histogram.range(1);
      expect(min).toBeLessThanOrEqual(low);
      expect(max).toBeGreaterThanOrEqual(high);
      expect(min).toBeGreaterThanOrEqual(low - 2 * bin - 1e-30);
      expect(max).toBeLessThanOrEqual(high + 2 * bin + 1e-30);
    }),
  );
});

test('the order in which samples come does not matter', () => {
  fc.assert(
    fc.property(fc.array(values, { minLength: 2, maxLength: 6 }), (batches) => {
      const [first, second] = [createHistogram(), createHistogram()];
      for (const batch of batches) first.add(Float32Array.from(batch));
      for (const batch of batches.toReversed()) second.add(Float32Array.from(batch));
      expect(first.range(0.9)).toEqual(second.range(0.9));
    }),
  );
});

test('one outlier in a hundred thousand values is cut off', () => {
  const histogram = createHistogram();
  histogram.add(Float32Array.from({ length: 100_000 }, (_, i) => i / 100_000));
  histogram.add(Float32Array.of(1000));
  expect(histogram.range(0.9999).max).toBeLessThan(2);
  expect(histogram.range(1).max).toBeGreaterThanOrEqual(1000);
});

test('NaN and infinity leave no range', () => {
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const histogram = createHistogram();
    histogram.add(Float32Array.of(1, value));
    expect(histogram.range(1).max).toBeNaN();
  }
  expect(createHistogram().range(1).min).toBeNaN();
});
