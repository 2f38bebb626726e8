import { roundHalfEven } from '../round.ts';

/** Smallest scale that is written: below it 1 / scale is no finite float32. */
export const MIN_SCALE = 2 ** -126;

/** Integer types of QDQ activations and weights, with the values they hold. */
export const QUANTIZED = {
  uint8: { min: 0, max: 255 },
  int8: { min: -128, max: 127 },
} as const;

export type QuantizedType = keyof typeof QUANTIZED;

/** x ≈ (q − zeroPoint) · scale; the scale is a float32 value. */
export interface QuantizationParams {
  readonly type: QuantizedType;
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Values that a tensor took; min ≤ max, both finite. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export function unite(a: Range, b: Range): Range {
  return { min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };
}

/**
 * Scale and zero point of activations with these values. Zero is always represented exactly, since
 * padding and Relu produce it; a range that starts at 0 has its zero point at the bottom, which is
 * what lets a runtime absorb the Relu before it.
 */
export function activationParams(
  range: Range,
  type: QuantizedType,
  symmetric: boolean,
): QuantizationParams {
  const limits = QUANTIZED[type];
  const low = Math.min(range.min, 0);
  const high = Math.max(range.max, 0);
  if (symmetric) {
    const scale = scaleOf(Math.max(-low, high) / 127);
    return { type, scale, zeroPoint: type === 'int8' ? 0 : 128 };
  }
  const scale = scaleOf((high - low) / (limits.max - limits.min));
  const zeroPoint = clamp(roundHalfEven(limits.min - low / scale), limits.min, limits.max);
  return { type, scale, zeroPoint };
}

/** The largest float32 scale at which no dequantized value exceeds `bound`, as absorbing a Clip needs. */
export function scaleWithin(params: QuantizationParams, bound: number): QuantizationParams {
  const steps = QUANTIZED[params.type].max - params.zeroPoint;
  let { scale } = params;
  while (scale > MIN_SCALE && Math.fround(scale * steps) > bound) scale = previousFloat(scale);
  return { ...params, scale };
}

/** Symmetric int8 scale of weights whose largest magnitude is given; 7 bits with `reduceRange`. */
export function weightScale(magnitude: number, reduceRange: boolean): number {
  return scaleOf(magnitude / (reduceRange ? 63 : 127));
}

/** A scale for a tensor that is zero everywhere is 1: every value is then exact. */
function scaleOf(step: number): number {
  return step === 0 ? 1 : Math.max(Math.fround(step), MIN_SCALE);
}

/** Quantizes as QuantizeLinear does: float32 division, halves to even, saturation. */
export function quantizeValue(value: number, { type, scale, zeroPoint }: QuantizationParams) {
  const { min, max } = QUANTIZED[type];
  return clamp(roundHalfEven(Math.fround(value / scale)) + zeroPoint, min, max);
}

export function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}

function previousFloat(value: number): number {
  const bits = new Uint32Array(Float32Array.of(value).buffer);
  bits[0] = bits[0]! - 1;
  return new Float32Array(bits.buffer)[0]!;
}
