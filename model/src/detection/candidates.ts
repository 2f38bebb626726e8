/** Candidates that suppression looks at: its time grows with them. */
const MAX_CANDIDATES = 4096;
/** Boxes that a key has room for. */
export const MAX_BOXES = 2 ** 21;

/**
 * Numbers of the boxes of at least a score, by falling score, the first box first among equals.
 *
 * Bits of a positive float32 rise with it. With the number of the box below them they make a key
 * of less than 53 bits, and a typed array of numbers is sorted without a call of ours.
 */
export function candidates(scores: Float64Array, least: number): Uint32Array {
  const keys = new Float64Array(scores.length);
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  let count = 0;
  for (let box = 0; box < scores.length; box++) {
    const score = scores[box]!;
    if (!(score >= least && score > 0)) continue;
    single[0] = Math.min(1, score);
    keys[count++] = bits[0]! * MAX_BOXES + (MAX_BOXES - 1 - box);
  }
  const sorted = keys.subarray(0, count).sort();
  const taken = Math.min(count, MAX_CANDIDATES);
  return Uint32Array.from(
    { length: taken },
    (_, i) => MAX_BOXES - 1 - (sorted[count - 1 - i]! % MAX_BOXES),
  );
}
