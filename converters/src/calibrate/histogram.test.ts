import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  addValues,
  binWidth,
  clipped,
  createHistogram,
  type Histogram,
  limitOf,
  sumOf,
} from './histogram.ts';

const values = fc
  .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 })
  .map((numbers) => Float32Array.from(numbers));
const batches = fc.array(values, { minLength: 1, maxLength: 6 });

function magnitudeOf(numbers: Float32Array): number {
  return Math.max(...numbers.map(Math.abs));
}

function histogramOf(all: readonly Float32Array[]) {
  const histogram = createHistogram();
  for (const batch of all) expect(addValues(histogram, batch, magnitudeOf(batch))).toBe(true);
  return histogram;
}

/** The bins that hold values, from the lowest. */
function filledBins(histogram: Histogram) {
  const width = binWidth(histogram);
  const middle = (histogram.counts.length - 1) / 2;
  const bins: { low: number; high: number; count: number }[] = [];
  histogram.counts.forEach((count, i) => {
    const step = i - middle;
    const low = (step <= 0 ? step - 1 : step) * width;
    const high = (step >= 0 ? step + 1 : step) * width;
    if (count > 0) bins.push({ low, high, count });
  });
  return bins;
}

test('every value lies in a filled bin, and no bin is filled without one', () => {
  fc.assert(
    fc.property(batches, (all) => {
      const bins = filledBins(histogramOf(all));
      const numbers = all.flatMap((batch) => [...batch]);
      const held = (low: number, high: number) =>
        numbers.filter((value) => value >= low && value <= high).length;
      for (const { low, high } of bins) expect(held(low, high)).toBeGreaterThan(0);
      expect(bins.reduce((sum, { count }) => sum + count, 0)).toBe(numbers.length);
    }),
  );
});

test('the sum of histograms is the histogram of all values, bin for bin', () => {
  fc.assert(
    fc.property(batches, batches, (some, others) => {
      const sum = sumOf([histogramOf(some), histogramOf(others)]);
      expect(sum).toEqual(histogramOf([...others, ...some]));
    }),
  );
});

test('cutting off commutes with counting, as for a Relu6', () => {
  fc.assert(
    fc.property(batches, (all) => {
      const cut = clipped(histogramOf(all), 0, 6);
      const limit = all.map((batch) => batch.map((value) => Math.min(Math.max(value, 0), 6)));
      const direct = histogramOf([...limit, ...all].slice(0, limit.length));
      expect(sumOf([cut, empty(direct.limit)])).toEqual(sumOf([direct, empty(cut.limit)]));
    }),
  );
});

function empty(limit: number) {
  return { ...createHistogram(), limit };
}

test('the limit of a share of all leaves out at most the rest, and no limit of less does', () => {
  fc.assert(
    fc.property(batches, fc.double({ min: 0, max: 1, noNaN: true }), (all, coverage) => {
      const histogram = histogramOf(all);
      const limit = limitOf(histogram, coverage);
      const magnitudes = all.flatMap((batch) => [...batch.map(Math.abs)]);
      const beyond = (edge: number) => magnitudes.filter((value) => value >= edge).length;
      const rest = magnitudes.length * (1 - coverage);
      expect(beyond(limit)).toBeLessThanOrEqual(rest);
      const lower = limit - binWidth(histogram);
      if (lower > binWidth(histogram)) expect(beyond(lower)).toBeGreaterThan(rest);
    }),
  );
});

test('NaN and what exceeds the limit are not counted in silence', () => {
  expect(addValues(createHistogram(), Float32Array.of(1, Number.NaN), 1)).toBe(false);
  expect(addValues(createHistogram(), Float32Array.of(0, Number.NaN), 0)).toBe(false);
  expect(addValues(createHistogram(), Float32Array.of(1, 5), 1)).toBe(false);
});

test('powers of two and the smallest and largest floats have room', () => {
  for (const value of [2 ** -149, 2 ** -126, 1, 4, 3.4028234663852886e38]) {
    const [bin] = filledBins(histogramOf([Float32Array.of(value)]));
    expect(bin?.low).toBeLessThanOrEqual(value);
    expect(bin?.high).toBeGreaterThan(value);
  }
});
