import { MIN_SCALE } from './params.ts';

/** How a block of weights is written in small integers: w ≈ (code − zeroPoint) · scale. */
export interface BlockCode {
  /** A float32 value, not 0; below 0 where that gives the largest weight the code that has no opposite. */
  readonly scale: number;
  /** 0 where the codes are signed. */
  readonly zeroPoint: number;
}

export interface CodeRange {
  readonly min: number;
  readonly max: number;
}

export const SIGNED: CodeRange = { min: -8, max: 7 };
export const UNSIGNED: CodeRange = { min: 0, max: 15 };

/** Shares of the full range that are tried: large weights are cut off where that makes the others finer. */
const SHARES = Array.from({ length: 12 }, (_, i) => 1.1 - i * 0.04);
/** Rounds of setting the scale by least squares and rounding again; few more change anything. */
const REFINEMENTS = 3;
/** Adding it leaves no bits for a fraction: the sum is rounded to a whole number, halves to even. */
const ROUNDER = 1.5 * 2 ** 52;

/**
 * Scale and zero point of a block with the least squared error: the best of several shares of its
 * range, then alternately the scale by least squares for the codes and the codes for the scale, as
 * long as the error falls (the alternation of half-quadratic quantization, with a squared loss).
 *
 * @param weights finite
 */
export function fitBlock(weights: Float64Array, symmetric: boolean): BlockCode {
  const range = symmetric ? SIGNED : UNSIGNED;
  const extremes = extremesOf(weights);
  let best: BlockCode = { scale: 1, zeroPoint: 0 };
  if (extremes.low === 0 && extremes.high === 0) return best;
  let least = Number.POSITIVE_INFINITY;
  const consider = (code: BlockCode): boolean => {
    const error = errorOf(weights, code, range, least);
    if (error >= least) return false;
    least = error;
    best = code;
    return true;
  };
  for (const share of SHARES) {
    consider(symmetric ? signed(extremes, share) : unsigned(extremes, share));
  }
  for (let i = 0; i < REFINEMENTS && consider(refined(weights, best, range)); i++);
  return best;
}

/** The code of a weight, rounded to the nearest, halves to even. */
export function encode(
  weight: number,
  { scale, zeroPoint }: BlockCode,
  { min, max }: CodeRange,
): number {
  const code = weight / scale + ROUNDER - ROUNDER + zeroPoint;
  return code < min ? min : code > max ? max : code;
}

interface Extremes {
  /** At most 0. */
  readonly low: number;
  /** At least 0. */
  readonly high: number;
}

function extremesOf(weights: Float64Array): Extremes {
  let [low, high] = [0, 0];
  for (const weight of weights) {
    if (weight < low) low = weight;
    if (weight > high) high = weight;
  }
  return { low, high };
}

/** The largest weight gets −8, the code that has no opposite. */
function signed({ low, high }: Extremes, share: number): BlockCode {
  const largest = high > -low ? high : low;
  return { scale: scaleOf((largest / SIGNED.min) * share), zeroPoint: 0 };
}

function unsigned({ low, high }: Extremes, share: number): BlockCode {
  const scale = scaleOf(((high - low) / UNSIGNED.max) * share);
  return { scale, zeroPoint: encode(-low * share, { scale, zeroPoint: 0 }, UNSIGNED) };
}

/** The scale that suits the codes which the weights have now. */
function refined(weights: Float64Array, code: BlockCode, range: CodeRange): BlockCode {
  let [product, square] = [0, 0];
  for (const weight of weights) {
    const level = encode(weight, code, range) - code.zeroPoint;
    product += weight * level;
    square += level * level;
  }
  return product * code.scale <= 0 ? code : { ...code, scale: scaleOf(product / square) };
}

/** Squared error of a block, given up where it is beyond `limit`. */
function errorOf(weights: Float64Array, code: BlockCode, range: CodeRange, limit: number): number {
  let sum = 0;
  for (let i = 0; i < weights.length && sum < limit; i++) {
    const weight = weights[i]!;
    sum += (weight - (encode(weight, code, range) - code.zeroPoint) * code.scale) ** 2;
  }
  return sum;
}

function scaleOf(step: number): number {
  const size = Math.max(Math.fround(Math.abs(step)), MIN_SCALE);
  return step < 0 ? -size : size;
}
