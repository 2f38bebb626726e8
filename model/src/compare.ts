import type { Tolerance } from './golden.ts';
import { numbersOf } from './pipeline/numbers.ts';
import type { Tensor, Tensors } from './tensor.ts';

/** How far the outputs of one run are from what was expected. */
export interface Comparison {
  readonly passed: boolean;
  /** Largest |actual − expected|; Infinity where a tensor is missing, has another shape or holds NaN. */
  readonly maxAbsError: number;
  /** Largest error over the one allowed; above 1 the comparison fails, Infinity as above. */
  readonly toleranceUsed: number;
  /** Signal to quantization noise, 10 · log10(Σ expected² / Σ (actual − expected)²), in dB. */
  readonly sqnrDb: number;
  /** The worst tensor, and why it failed where it did. */
  readonly worst: { readonly tensor: string; readonly reason: string } | undefined;
}

/** Compares every expected tensor with the actual one of the same name. */
export function compareTensors(
  expected: Tensors,
  actual: Tensors,
  tolerance: Tolerance,
): Comparison {
  const rows = Object.keys(expected).map((name) => ({
    name,
    ...compareTensor(
      expected[name]!,
      Object.hasOwn(actual, name) ? actual[name] : undefined,
      tolerance,
    ),
  }));
  const signal = rows.reduce((sum, row) => sum + row.signal, 0);
  const noise = rows.reduce((sum, row) => sum + row.noise, 0);
  const failed = rows.find((row) => row.reason !== undefined);
  return {
    passed: !failed,
    maxAbsError: rows.reduce((max, row) => Math.max(max, row.maxAbsError), 0),
    toleranceUsed: rows.reduce((max, row) => Math.max(max, row.toleranceUsed), 0),
    sqnrDb: decibels(signal, noise),
    worst: failed && { tensor: failed.name, reason: failed.reason! },
  };
}

/** 10 · log10(signal / noise); Infinity where there is no noise. */
export function decibels(signal: number, noise: number): number {
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(signal / noise);
}

interface TensorComparison {
  readonly maxAbsError: number;
  readonly toleranceUsed: number;
  readonly signal: number;
  readonly noise: number;
  readonly reason: string | undefined;
}

function compareTensor(
  expected: Tensor,
  actual: Tensor | undefined,
  tolerance: Tolerance,
): TensorComparison {
  const hopeless = (reason: string): TensorComparison => ({
    maxAbsError: Number.POSITIVE_INFINITY,
    toleranceUsed: Number.POSITIVE_INFINITY,
    signal: 0,
    noise: Number.POSITIVE_INFINITY,
    reason,
  });
  if (!actual) return hopeless('is missing');
  if (actual.shape.join() !== expected.shape.join()) {
    return hopeless(`has shape [${actual.shape}] instead of [${expected.shape}]`);
  }
  const a = numbersOf(actual);
  const b = numbersOf(expected);
  let maxAbsError = 0;
  let toleranceUsed = 0;
  let signal = 0;
  let noise = 0;
  let failures = 0;
  for (let i = 0; i < b.length; i++) {
    const error = a[i] === b[i] ? 0 : Math.abs(a[i]! - b[i]!);
    if (Number.isNaN(error) && !Number.isNaN(b[i])) return hopeless('holds NaN');
    if (Number.isNaN(error)) continue;
    const allowed = tolerance.absolute + tolerance.relative * Math.abs(b[i]!);
    if (error > maxAbsError) maxAbsError = error;
    // an infinity is off by more than any tolerance, one relative to it included
    const used = error === Number.POSITIVE_INFINITY ? error : error === 0 ? 0 : error / allowed;
    if (used > 1) failures++;
    if (used > toleranceUsed) toleranceUsed = used;
    signal += b[i]! * b[i]!;
    noise += error * error;
  }
  const reason =
    failures === 0
      ? undefined
      : `differs in ${failures} of ${b.length} elements, by ${maxAbsError.toPrecision(3)} at most`;
  return { maxAbsError, toleranceUsed, signal, noise, reason };
}
