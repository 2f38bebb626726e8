import type { Kernel } from '../spec/types.ts';

interface KernelFunction {
  /** Half width in source pixels at scale 1. */
  readonly support: number;
  readonly at: (x: number) => number;
}

/** Kernels as Pillow and libvips define them; bicubic is Catmull–Rom (a = −0.5). */
const KERNELS = {
  bilinear: { support: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, at: bicubic },
  lanczos3: { support: 3, at: lanczos3 },
} as const satisfies Record<Exclude<Kernel, 'nearest'>, KernelFunction>;

/** Keys, "Cubic convolution interpolation for digital image processing", 1981, with a = −0.5. */
function bicubic(signed: number): number {
  const x = Math.abs(signed);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

function lanczos3(x: number): number {
  return Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0;
}

function sinc(x: number): number {
  if (x === 0) return 1;
  const angle = Math.PI * x;
  return Math.sin(angle) / angle;
}

/** Weights of the source pixels that make each output pixel along one axis. */
export interface WeightTable {
  /** Weights per output pixel; unused ones at the end are 0. */
  readonly taps: number;
  /** First source pixel of each output pixel. */
  readonly first: Int32Array;
  /** Number of weights in use for each output pixel. */
  readonly count: Int32Array;
  /** Fixed point with `WEIGHT_BITS` fraction bits, `taps` for each output pixel. */
  readonly weights: Int32Array;
}

/**
 * Fraction bits of a weight. With 22, a sum of 8-bit pixels times weights stays within 32 bits,
 * so integer arithmetic gives the same pixels on every machine, and the same as Pillow
 * (Resample.c, PRECISION_BITS).
 */
export const WEIGHT_BITS = 22;

/**
 * Weights for resizing `input` pixels to `output` pixels, for output pixels `from` to
 * `from + length`.
 */
export function weightTable(
  input: number,
  output: number,
  from: number,
  length: number,
  kernel: Exclude<Kernel, 'nearest'>,
  antialias: boolean,
): WeightTable {
  const { support, at } = KERNELS[kernel];
  const step = input / output;
  const stretch = antialias ? Math.max(step, 1) : 1;
  const reach = support * stretch;
  const taps = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(length);
  const count = new Int32Array(length);
  const weights = new Int32Array(length * taps);
  const exact = new Float64Array(taps);
  for (let i = 0; i < length; i++) {
    const center = (from + i + 0.5) * step;
    const start = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(input, Math.trunc(center + reach + 0.5));
    let sum = 0;
    for (let k = 0; k < end - start; k++) {
      exact[k] = at((start + k - center + 0.5) / stretch);
      sum += exact[k]!;
    }
    first[i] = start;
    count[i] = end - start;
    for (let k = 0; k < end - start; k++) {
      const weight = (sum === 0 ? 0 : exact[k]! / sum) * (1 << WEIGHT_BITS);
      weights[i * taps + k] = Math.trunc(weight < 0 ? weight - 0.5 : weight + 0.5);
    }
  }
  return { taps, first, count, weights };
}
