import { roundHalfEven } from '../../round.ts';
import { clamp } from '../params.ts';
import { dot } from './linear.ts';

/** One group of a product's weights, and the second moments of what it takes. */
export interface RoundingTask {
  /** Real weights to approach, rows × columns. */
  readonly target: Float64Array;
  readonly rows: number;
  readonly columns: number;
  /** Scale of each row. */
  readonly scales: ArrayLike<number>;
  /** Largest magnitude of an integer. */
  readonly limit: number;
  /** E[y·yᵀ] of the inputs, damped, and its factor T with Tᵀ·T. */
  readonly square: Float64Array;
  readonly factor: Float64Array;
}

const MOST_SWEEPS = 8;

/**
 * Integers whose product with the inputs is nearest that of the target weights, rather than those
 * nearest the weights themselves: min over q of (w − s·q)·H·(w − s·q)ᵀ. Each weight is rounded in
 * turn and the rest take over its error (Frantar et al., "Optimal Brain Compression", 2022, in the
 * form of Babai's nearest plane), then single steps up or down go on while they help (the aim of
 * AdaRound, Nagel et al. 2020, without gradients).
 */
export function roundAdaptively(task: RoundingTask): Int8Array {
  const { rows, columns, target, scales, limit, factor } = task;
  const result = new Int8Array(rows * columns);
  const errors = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    const scale = scales[row]!;
    for (let j = 0; j < columns; j++) {
      const at = j * columns;
      const carried = dot(errors, factor, at, j);
      const weight = target[row * columns + j]!;
      const wanted = (weight + carried / factor[at + j]!) / scale;
      const integer = clamp(roundHalfEven(wanted), -limit, limit);
      result[row * columns + j] = integer;
      errors[j] = weight - integer * scale;
    }
    descend(task, result.subarray(row * columns, (row + 1) * columns), errors, scale);
  }
  return result;
}

/** Coordinate descent in steps of one: `errors` and `integers` are of one row and changed in place. */
function descend(
  { columns, square, limit }: RoundingTask,
  integers: Int8Array,
  errors: Float64Array,
  scale: number,
): void {
  const slope = new Float64Array(columns);
  for (let i = 0; i < columns; i++) {
    const error = errors[i]!;
    for (let j = 0; j < columns; j++) slope[j]! += error * square[i * columns + j]!;
  }
  for (let sweep = 0, changed = true; changed && sweep < MOST_SWEEPS; sweep++) {
    changed = false;
    for (let j = 0; j < columns; j++) {
      // A step of the integer by d moves the error by −d·scale.
      const step = slope[j]! > 0 ? 1 : -1;
      const gain = 2 * Math.abs(slope[j]!) - scale * square[j * columns + j]!;
      if (!(gain > 0) || Math.abs(integers[j]! + step) > limit) continue;
      integers[j]! += step;
      const moved = step * scale;
      for (let i = 0; i < columns; i++) slope[i]! -= moved * square[j * columns + i]!;
      changed = true;
    }
  }
}
