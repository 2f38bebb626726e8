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
 * AdaRound, Nagel et al. 2020, without gradients). Rows that come out nearer from the nearest
 * weights by such steps alone are taken from there, so that none ends farther than by plain rounding.
 */
export function roundAdaptively(task: RoundingTask): Int8Array {
  const { rows, columns } = task;
  const result = new Int8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    const carried = carryErrors(task, row);
    const nearest = roundEach(task, row);
    const best = descend(task, row, nearest) < descend(task, row, carried) ? nearest : carried;
    result.set(best, row * columns);
  }
  return result;
}

function roundEach({ columns, target, scales, limit }: RoundingTask, row: number): Int8Array {
  const scale = scales[row]!;
  return Int8Array.from({ length: columns }, (_, j) =>
    clamp(roundHalfEven(target[row * columns + j]! / scale), -limit, limit),
  );
}

/** Rounds one weight after the other, each with the error that those before it left. */
function carryErrors(
  { columns, target, scales, limit, factor }: RoundingTask,
  row: number,
): Int8Array {
  const scale = scales[row]!;
  const integers = new Int8Array(columns);
  const errors = new Float64Array(columns);
  for (let j = 0; j < columns; j++) {
    const at = j * columns;
    const carried = dot(errors, factor, at, j);
    const weight = target[row * columns + j]!;
    const wanted = (weight + carried / factor[at + j]!) / scale;
    const integer = clamp(roundHalfEven(wanted), -limit, limit);
    integers[j] = integer;
    errors[j] = weight - integer * scale;
  }
  return integers;
}

/**
 * Coordinate descent in steps of one over a row of integers, changed in place.
 *
 * @returns the error that is left, e·H·eᵀ
 */
function descend(
  { columns, target, scales, square, limit }: RoundingTask,
  row: number,
  integers: Int8Array,
): number {
  const scale = scales[row]!;
  const slope = new Float64Array(columns);
  let left = 0;
  const errors = Float64Array.from(integers, (q, i) => target[row * columns + i]! - q * scale);
  for (let i = 0; i < columns; i++) {
    const error = errors[i]!;
    for (let j = 0; j < columns; j++) slope[j]! += error * square[i * columns + j]!;
  }
  for (let i = 0; i < columns; i++) left += errors[i]! * slope[i]!;
  for (let sweep = 0, changed = true; changed && sweep < MOST_SWEEPS; sweep++) {
    changed = false;
    for (let j = 0; j < columns; j++) {
      // A step of the integer by d moves the error by −d·scale.
      const step = slope[j]! > 0 ? 1 : -1;
      const gain = 2 * Math.abs(slope[j]!) - scale * square[j * columns + j]!;
      if (!(gain > 0) || Math.abs(integers[j]! + step) > limit) continue;
      integers[j]! += step;
      left -= scale * gain;
      const moved = step * scale;
      for (let i = 0; i < columns; i++) slope[i]! -= moved * square[j * columns + i]!;
      changed = true;
    }
  }
  return left;
}
