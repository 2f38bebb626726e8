import type { Tensor } from '../tensor.ts';
import { numbersOf } from './numbers.ts';

/** Mean, standard deviation, minimum and maximum of a tensor's elements, named `INPUT.mean`… */
export function tensorFeatures(input: string, tensor: Tensor): Record<string, number> {
  const values = numbersOf(tensor);
  if (values.length === 0) return {};
  let sum = 0;
  let squares = 0;
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    sum += value;
    squares += value * value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / values.length;
  const std = Math.sqrt(Math.max(0, squares / values.length - mean * mean));
  return {
    [`${input}.mean`]: mean,
    [`${input}.std`]: std,
    [`${input}.min`]: min,
    [`${input}.max`]: max,
  };
}

/** The mean of each named number over the samples of a batch. */
export function meanOf(rows: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const [first] = rows;
  if (!first || rows.length === 1) return { ...first };
  return Object.fromEntries(
    Object.keys(first).map((name) => [
      name,
      rows.reduce((sum, row) => sum + (row[name] ?? 0), 0) / rows.length,
    ]),
  );
}
