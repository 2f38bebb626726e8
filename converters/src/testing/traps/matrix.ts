import { randomNumbers } from '../small-net.ts';

/** Rows of equal length. */
export type Matrix = readonly (readonly number[])[];

/** Deterministic numbers of mean 0 and variance 1 between −3 and 3, nearly Gaussian. */
export function bellNumbers(seed: number): () => number {
  const random = randomNumbers(seed);
  return () => random() + random() + random();
}

/** A random square matrix whose transpose undoes it (Gram–Schmidt). */
export function orthogonal(size: number, seed: number): Matrix {
  const random = bellNumbers(seed);
  const rows: number[][] = [];
  while (rows.length < size) {
    const row = Array.from({ length: size }, random);
    for (const other of rows) {
      const along = dot(row, other);
      for (let i = 0; i < size; i++) row[i]! -= along * other[i]!;
    }
    const length = Math.sqrt(dot(row, row));
    rows.push(row.map((value) => value / length));
  }
  return rows;
}

export function transposed(matrix: Matrix): Matrix {
  return matrix[0]!.map((_, column) => matrix.map((row) => row[column]!));
}

export function scaled(matrix: Matrix, factor: number): Matrix {
  return matrix.map((row) => row.map((value) => value * factor));
}

export function scaledColumns(matrix: Matrix, factors: readonly number[]): Matrix {
  return matrix.map((row) => row.map((value, i) => value * factors[i]!));
}

/**
 * Each row with both signs: for ReLU, SiLU and GELU alike f(a) − f(−a) = a, so that `joined` of the
 * transpose undoes `mirrored` of an orthogonal matrix through any of them.
 */
export function mirrored(matrix: Matrix): Matrix {
  return [...matrix, ...scaled(matrix, -1)];
}

/** Each column with both signs. */
export function joined(matrix: Matrix): Matrix {
  return matrix.map((row) => [...row, ...row.map((value) => -value)]);
}

/** The columns of both, side by side. */
export function beside(left: Matrix, right: Matrix): Matrix {
  return left.map((row, i) => [...row, ...right[i]!]);
}

export function filled(rows: number, columns: number, value: number): Matrix {
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => value));
}

export function multiplied(left: Matrix, right: Matrix): Matrix {
  const columns = transposed(right);
  return left.map((row) => columns.map((column) => dot(row, column)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
