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
    let sum = b[j]!;
    for (let i = 0; i < j; i++) sum -= b[i]! * t[row + i]!;
    b[j] = sum / t[row + j]!;
  }
}
