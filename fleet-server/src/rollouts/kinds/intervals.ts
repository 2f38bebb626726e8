/** A number with the interval that it lies in with 95 %, however often it is looked at. */
export interface Estimate {
  readonly value: number;
  /** Absent where there are too few devices to tell. */
  readonly low?: number;
  readonly high?: number;
}

const ALPHA = 0.05;

/** What each device of an arm says, once: devices are the sampling units. */
export interface Arm {
  readonly devices: number;
  readonly mean: number;
  /** Sample variance between the devices; 0 where there is but one. */
  readonly variance: number;
}

export function armOf(values: readonly number[]): Arm {
  const devices = values.length;
  if (devices === 0) return { devices, mean: 0, variance: 0 };
  const mean = values.reduce((sum, value) => sum + value, 0) / devices;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { devices, mean, variance: devices > 1 ? squares / (devices - 1) : 0 };
}

/**
 * Difference of the means of two arms, B less A, with the variance of each arm its own (Welch).
 *
 * @param floor standard deviations between devices below this are not believed
 */
export function difference(a: Arm, b: Arm, floor: number): Estimate {
  const value = b.mean - a.mean;
  if (a.devices < 2 || b.devices < 2) return { value };
  const [u, v] = [a, b].map((arm) => Math.max(arm.variance, floor ** 2) / arm.devices) as [
    number,
    number,
  ];
  const degrees = (u + v) ** 2 / (u ** 2 / (a.devices - 1) + v ** 2 / (b.devices - 1));
  const size = (a.devices * b.devices) / (a.devices + b.devices);
  return withHalf(value, halfWidth({ variance: u + v, degrees, size }));
}

/** Mean of what devices say. */
export function meanOf(arm: Arm, floor: number): Estimate {
  if (arm.devices < 2) return { value: arm.mean };
  const variance = Math.max(arm.variance, floor ** 2) / arm.devices;
  return withHalf(arm.mean, halfWidth({ variance, degrees: arm.devices - 1, size: arm.devices }));
}

/** Prior variance of the standardized effect, at which the interval is tightest. */
const G = 1;

/**
 * Half the width of a confidence sequence, the values that an anytime-valid t-test does not reject:
 * mixture over the standardized effect, N(0, G), with the right Haar prior on the spread (Lai 1976;
 * Wang and Ramdas 2024, "Anytime-valid t-tests and confidence sequences"). Infinite where the
 * devices are too few.
 */
function halfWidth(of: {
  /** Of the estimate. */
  readonly variance: number;
  readonly degrees: number;
  /** Devices that the estimate is worth. */
  readonly size: number;
}): number {
  const grown = 1 + of.size * G;
  const bound = (Math.sqrt(grown) / ALPHA) ** (2 / (of.degrees + 1));
  if (bound >= grown) return Number.POSITIVE_INFINITY;
  const ratio = (bound - 1) / (1 - bound / grown);
  return Math.sqrt(ratio * of.degrees * of.variance);
}

const withHalf = (value: number, half: number): Estimate =>
  Number.isFinite(half) ? { value, low: value - half, high: value + half } : { value };
