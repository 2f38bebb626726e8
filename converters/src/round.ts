/** Adding it leaves a double no bits for fractions, so that the processor rounds, halves to even. */
const NO_FRACTIONS = 1.5 * 2 ** 52;
/** Larger magnitudes would lose whole numbers to it as well. */
const LARGE = 2 ** 51;

/** Nearest integer, halves to even, as ONNX's QuantizeLinear and Round have it and `Math.round` does not. */
export function roundHalfEven(value: number): number {
  if (Math.abs(value) <= LARGE) return value + NO_FRACTIONS - NO_FRACTIONS;
  const floor = Math.floor(value);
  return value - floor === 0.5 && floor % 2 !== 0 ? floor + 1 : floor;
}
