import { numbersOf, type Tensor } from '@flotilla/model';
import { bad } from './bad-request.ts';

/**
 * The highest elements of each sample as Triton's classification extension writes them:
 * `VALUE:INDEX`, with `:LABEL` where there is one.
 *
 * @param most elements of a sample
 * @returns texts, sample by sample, and their shape: [count], or [batch, count]
 */
export function topClasses(tensor: Tensor, most: number, labels: readonly string[] | undefined) {
  const { shape } = tensor;
  const values = numbersOf(tensor);
  const batch = shape.length > 1 ? (shape[0] ?? 1) : 1;
  const classes = batch === 0 ? 0 : values.length / batch;
  const count = Math.min(most, classes);
  const texts = Array.from({ length: batch }, (_, row) => {
    const scores = values.subarray(row * classes, (row + 1) * classes);
    return highest(scores, count).map((index) => {
      const label = labels?.[index];
      return `${scores[index]?.toFixed(6)}:${index}${label === undefined ? '' : `:${label}`}`;
    });
  });
  return { texts: texts.flat(), shape: shape.length > 1 ? [batch, count] : [count] };
}

/** Indices of the highest values, highest first; NaN counts as lowest. */
function highest(values: Float32Array | Float64Array, count: number): number[] {
  const rank = (index: number) => (Number.isNaN(values[index]) ? -Infinity : values[index]!);
  return Array.from(values, (_, index) => index)
    .sort((a, b) => rank(b) - rank(a))
    .slice(0, count);
}

/** The `classification` parameter of an output; undefined where there is none. */
export function classCount(where: string, value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw bad(where, 'classification is not a count of classes from 1');
}
