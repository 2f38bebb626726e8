import type { Tensor } from '../tensor.ts';
import { numbersOf } from './numbers.ts';

export type TensorStatistics = (tensor: Tensor) => Record<string, number>;

/** What is told of the tensors of one input: nothing where none of it is wanted. */
export function statisticsFor(
  input: string,
  wanted: ReadonlySet<string> | undefined,
): TensorStatistics {
  const told = ['mean', 'std', 'min', 'max'].some((what) => wanted?.has(`${input}.${what}`));
  return told || wanted === undefined ? (tensor) => tensorFeatures(input, tensor) : () => ({});
}

/** Mean, standard deviation, minimum and maximum of a tensor's elements, named `INPUT.mean`… */
export function tensorFeatures(input: string, tensor: Tensor): Record<string, number> {
  const values = numbersOf(tensor);
  if (values.length === 0) return {};
  const { sum, squares, min, max } = sumsOf(values);
  const mean = sum / values.length;
  const std = Math.sqrt(Math.max(0, squares / values.length - mean * mean));
  return {
    [`${input}.mean`]: mean,
    [`${input}.std`]: std,
    [`${input}.min`]: min,
    [`${input}.max`]: max,
  };
}

/**
 * By index and in pairs: an image of 110 KB takes 25 µs, where a loop over the iterator takes 120,
 * and a single sum waits for each addition.
 */
function sumsOf(values: Float32Array | Float64Array) {
  let [evenSum, oddSum, evenSquares, oddSquares] = [0, 0, 0, 0];
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  const paired = values.length - (values.length % 2);
  for (let i = 0; i < paired; i += 2) {
    const even = values[i]!;
    const odd = values[i + 1]!;
    evenSum += even;
    oddSum += odd;
    evenSquares += even * even;
    oddSquares += odd * odd;
    const low = even < odd ? even : odd;
    const high = even < odd ? odd : even;
    if (low < min) min = low;
    if (high > max) max = high;
  }
  for (const last of values.subarray(paired)) {
    evenSum += last;
    evenSquares += last * last;
    min = Math.min(min, last);
    max = Math.max(max, last);
  }
  return { sum: evenSum + oddSum, squares: evenSquares + oddSquares, min, max };
}

/** The mean of each named number over the samples of a batch that have it; NaN where none has. */
export function meanOf(rows: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const [first] = rows;
  if (!first || rows.length === 1) return { ...first };
  return Object.fromEntries(
    Object.keys(first).map((name) => {
      const values = rows.map((row) => row[name] ?? Number.NaN).filter((x) => !Number.isNaN(x));
      return [name, values.reduce((sum, x) => sum + x, 0) / values.length];
    }),
  );
}
