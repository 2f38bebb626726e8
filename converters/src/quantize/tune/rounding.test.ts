import fc from 'fast-check';
import { expect, test } from 'vitest';
import { roundHalfEven } from '../../round.ts';
import { randomNumbers } from '../../testing/small-net.ts';
import { factorize } from './linear.ts';
import { roundAdaptively } from './rounding.ts';

const ROWS = 3;

/** Second moments of correlated inputs, as neighboring pixels are. */
function correlated(columns: number, seed: number): Float64Array {
  const random = randomNumbers(seed);
  const square = new Float64Array(columns * columns);
  for (let sample = 0; sample < 4 * columns; sample++) {
    const common = random();
    const x = Float64Array.from({ length: columns }, () => common + random() / 3);
    x.forEach((a, i) => {
      x.forEach((b, j) => {
        square[i * columns + j]! += a * b;
      });
    });
  }
  return square;
}

function errorOf(target: Float64Array, integers: Int8Array, scale: number, square: Float64Array) {
  const columns = Math.sqrt(square.length);
  let sum = 0;
  for (let start = 0; start < target.length; start += columns) {
    const error = Float64Array.from(
      { length: columns },
      (_, i) => target[start + i]! - scale * integers[start + i]!,
    );
    error.forEach((a, i) => {
      error.forEach((b, j) => {
        sum += a * b * square[i * columns + j]!;
      });
    });
  }
  return sum;
}

const task = fc.record({
  columns: fc.integer({ min: 1, max: 12 }),
  seed: fc.nat(),
  scale: fc.constantFrom(0.01, 0.1, 0.3),
});

test('outputs are nearer than with each weight rounded to the nearest', () => {
  let [adaptive, nearest] = [0, 0];
  fc.assert(
    fc.property(task, ({ columns, seed, scale }) => {
      const target = Float64Array.from({ length: ROWS * columns }, randomNumbers(seed + 1));
      const square = correlated(columns, seed);
      const factor = factorize(square, columns)!;
      const scales = new Array<number>(ROWS).fill(scale);
      const input = { target, rows: ROWS, columns, scales, limit: 127, square, factor };
      const own = errorOf(target, roundAdaptively(input), scale, square);
      const plain = Int8Array.from(target, (value) => roundHalfEven(value / scale));
      const other = errorOf(target, plain, scale, square);
      expect(own).toBeLessThanOrEqual(other * (1 + 1e-9) + 1e-12);
      adaptive += own;
      nearest += other;
    }),
    { numRuns: 200 },
  );
  expect(adaptive).toBeLessThan(nearest / 3);
});

test('no step up or down by one makes a row better', () => {
  const columns = 8;
  const target = Float64Array.from({ length: ROWS * columns }, randomNumbers(5));
  const square = correlated(columns, 6);
  const factor = factorize(square, columns)!;
  const scales = [0.1, 0.1, 0.1];
  const found = roundAdaptively({
    target,
    rows: ROWS,
    columns,
    scales,
    limit: 127,
    square,
    factor,
  });
  const best = errorOf(target, found, 0.1, square);
  for (let i = 0; i < found.length; i++) {
    for (const step of [-1, 1]) {
      const other = found.slice();
      other[i]! += step;
      expect(errorOf(target, other, 0.1, square)).toBeGreaterThanOrEqual(best - 1e-9);
    }
  }
});

test('integers stay within the limit, also where the target lies beyond it', () => {
  const target = Float64Array.of(100, -100, 0.5);
  const square = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  const factor = factorize(square, 3)!;
  const input = { target, rows: 1, columns: 3, scales: [0.1], limit: 64, square, factor };
  expect([...roundAdaptively(input)]).toEqual([64, -64, 5]);
});
