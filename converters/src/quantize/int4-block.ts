import { clamp, roundHalfEven } from './params.ts';

/** Weights of one block as small integers: w ≈ (code − zeroPoint) · scale. */
export interface BlockCode {
  /** A float32 value above 0. */
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
const SHARES = Array.from({ length: 15 }, (_, i) => 1.1 - i * 0.04);
/** Rounds of setting the scale by least squares and rounding again; few more change anything. */
const REFINEMENTS = 3;
/** Smallest normal float32: below it a scale has no finite inverse. */
const MIN_SCALE = 2 ** -126;

/**
 * Scale and zero point of a block with the least squared error: the best of several shares of its
 * range, then alternately the scale by least squares for the codes and the codes for the scale, as
 * long as the error falls (the alternation of half-quadratic quantization, with a squared loss).
 *
 * @param weights finite
 */
export function fitBlock(weights: Float64Array, symmetric: boolean): BlockCode {
  const range = symmetric ? SIGNED : UNSIGNED;
  let best: BlockCode = { scale: 1, zeroPoint: range.min + (symmetric ? 8 : 0) };
  if (weights.every((weight) => weight === 0)) return best;
  let least = Number.POSITIVE_INFINITY;
  const consider = (code: BlockCode): boolean => {
    const error = errorOf(weights, code, range);
    if (error >= least) return false;
    least = error;
    best = code;
    return true;
  };
  for (const share of SHARES)
    consider(symmetric ? signed(weights, share) : unsigned(weights, share));
  for (let i = 0; i < REFINEMENTS && consider(refined(weights, best, range)); i++);
  return best;
}

export function encode(weight: number, { scale, zeroPoint }: BlockCode, range: CodeRange): number {
  return clamp(roundHalfEven(weight / scale) + zeroPoint, range.min, range.max);
}

/** The codes have one value more below zero than above: the side with the larger weight decides. */
function signed(weights: Float64Array, share: number): BlockCode {
  let [low, high] = [0, 0];
  for (const weight of weights) {
    low = Math.min(low, weight);
    high = Math.max(high, weight);
  }
  const step = Math.max(high / SIGNED.max, low / SIGNED.min);
  return { scale: scaleOf(step * share), zeroPoint: 0 };
}

function unsigned(weights: Float64Array, share: number): BlockCode {
  let [low, high] = [0, 0];
  for (const weight of weights) {
    low = Math.min(low, weight);
    high = Math.max(high, weight);
  }
  const scale = scaleOf(((high - low) / UNSIGNED.max) * share);
  return { scale, zeroPoint: clamp(roundHalfEven((-low * share) / scale), 0, UNSIGNED.max) };
}

function refined(weights: Float64Array, code: BlockCode, range: CodeRange): BlockCode {
  let [product, square] = [0, 0];
  for (const weight of weights) {
    const level = encode(weight, code, range) - code.zeroPoint;
    product += weight * level;
    square += level * level;
  }
  return square === 0 || product <= 0 ? code : { ...code, scale: scaleOf(product / square) };
}

function errorOf(weights: Float64Array, code: BlockCode, range: CodeRange): number {
  let sum = 0;
  for (const weight of weights) {
    sum += (weight - (encode(weight, code, range) - code.zeroPoint) * code.scale) ** 2;
  }
  return sum;
}

function scaleOf(step: number): number {
  return Math.max(Math.fround(step), MIN_SCALE);
}
