/** The IEEE 754 binary16 bit patterns nearest to numbers; ties go to even. */
export function toHalves(values: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(bits, halfOf);
}

/** The numbers that IEEE 754 binary16 bit patterns stand for. */
export function fromHalves(patterns: Uint16Array): Float32Array<ArrayBuffer> {
  return Float32Array.from(patterns, fromHalf);
}

/** From the bit pattern of a binary32. */
function halfOf(x: number): number {
  const sign = (x >>> 16) & 0x8000;
  const exponent = (x >>> 23) & 0xff;
  const mantissa = x & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (mantissa ? 0x200 : 0);
  const unbiased = exponent - 127;
  if (unbiased > 15) return sign | 0x7c00;
  if (unbiased < -25) return sign;
  const full = unbiased < -14 ? mantissa | 0x800000 : mantissa;
  const shift = unbiased < -14 ? -1 - unbiased : 13;
  const base = unbiased < -14 ? 0 : (unbiased + 15) << 10;
  const rest = full & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  const truncated = full >>> shift;
  const up = rest > half || (rest === half && (truncated & 1) === 1) ? 1 : 0;
  return sign | (base + truncated + up);
}

function fromHalf(pattern: number): number {
  const sign = pattern & 0x8000 ? -1 : 1;
  const exponent = (pattern >>> 10) & 0x1f;
  const mantissa = pattern & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 0x1f) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + mantissa / 1024) * 2 ** (exponent - 15);
}
