/**
 * Lower triangular T with A = Tᵀ·T, row-major; A is symmetric and positive definite, and only its
 * lower half is read. Undefined where it is not positive definite.
 */
export function factorize(matrix: Float64Array, size: number): Float64Array | undefined {
  const t = matrix.slice();
  for (let j = size - 1; j >= 0; j--) {
    const row = j * size;
    const pivot = t[row + j]!;
    if (!(pivot > 0)) return undefined;
    const root = Math.sqrt(pivot);
    for (let i = 0; i <= j; i++) t[row + i]! /= root;
    t.fill(0, row + j + 1, row + size);
    for (let k = 0; k < j; k++) {
      const factor = t[row + k]!;
      if (factor === 0) continue;
      const other = k * size;
      for (let i = 0; i <= k; i++) t[other + i]! -= factor * t[row + i]!;
    }
  }
  return t;
}

/** Solves x·(Tᵀ·T) = b for one row, in place. */
export function solveRow(t: Float64Array, size: number, b: Float64Array): void {
  // y·T = b, where y = x·Tᵀ: from the last column, since T is lower triangular.
  for (let j = size - 1; j >= 0; j--) {
    const row = j * size;
    const value = b[j]! / t[row + j]!;
    b[j] = value;
    for (let i = 0; i < j; i++) b[i]! -= value * t[row + i]!;
  }
  // x·Tᵀ = y: from the first column.
  for (let j = 0; j < size; j++) {
    const row = j * size;
    b[j] = (b[j]! - dot(b, t, row, j)) / t[row + j]!;
  }
}

/** Sum of x[i] · y[offset + i]; four sums side by side, so that none waits for the one before. */
export function dot(x: Float64Array, y: Float64Array, offset: number, length: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 3 < length; i += 4) {
    a += x[i]! * y[offset + i]!;
    b += x[i + 1]! * y[offset + i + 1]!;
    c += x[i + 2]! * y[offset + i + 2]!;
    d += x[i + 3]! * y[offset + i + 3]!;
  }
  for (; i < length; i++) a += x[i]! * y[offset + i]!;
  return a + b + (c + d);
}
