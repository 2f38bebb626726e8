import { expect, test } from 'vitest';
import { randomNumbers } from '../../testing/small-net.ts';
import { factorize, solveRow } from './linear.ts';

function positiveDefinite(size: number, seed: number): Float64Array {
  const random = randomNumbers(seed);
  const x = Float64Array.from({ length: size * size }, random);
  const a = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      for (let k = 0; k < size; k++) a[i * size + j]! += x[i * size + k]! * x[j * size + k]!;
    }
    a[i * size + i]! += 0.1;
  }
  return a;
}

test('a matrix is the product of its factor, transposed, with its factor', () => {
  const size = 7;
  const a = positiveDefinite(size, 1);
  const t = factorize(a, size)!;
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      let sum = 0;
      for (let k = 0; k < size; k++) sum += t[k * size + i]! * t[k * size + j]!;
      expect(sum).toBeCloseTo(a[i * size + j]!, 9);
    }
    for (let j = i + 1; j < size; j++) expect(t[i * size + j]).toBe(0);
  }
});

test('a solved row times the matrix is what was asked for', () => {
  const size = 6;
  const a = positiveDefinite(size, 2);
  const wanted = Float64Array.from({ length: size }, randomNumbers(3));
  const x = wanted.slice();
  solveRow(factorize(a, size)!, size, x);
  for (let j = 0; j < size; j++) {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += x[i]! * a[i * size + j]!;
    expect(sum).toBeCloseTo(wanted[j]!, 9);
  }
});

test.each([
  ['not positive definite', [1, 2, 2, 1]],
  ['not a number', [1, 0, 0, Number.NaN]],
  ['zero', [0, 0, 0, 0]],
])('a matrix that is %s has no factor', (_what, values) => {
  expect(factorize(Float64Array.from(values), 2)).toBeUndefined();
});
