import { decibels, numbersOf, type Tensor, type Tensors } from '@flotilla/model';

/** What a variant's outputs lack of fp32's where they are no classes. */
export interface OutputNoise {
  /** By sample: whether every part of its outputs keeps 20 dB. */
  readonly agrees: readonly boolean[];
  /** By sample: noise over the usual signal in the part of its outputs where that is worst. */
  readonly noise: readonly number[];
  /** Noise over signal in the worst part of the outputs, ≥ 0. */
  readonly divergence: number;
  /** The same in dB, from −150 to 150. */
  readonly db: number;
}

/** Gathers the outputs of two models, sample by sample; two numbers a channel are kept of each. */
export interface OutputComparison {
  observe(expected: Tensors, actual: Tensors): void;
  result(): OutputNoise;
}

/** Outputs agree from this SQNR on: a tenth of the signal's amplitude is noise. */
const AGREEING_DB = 20;
const AGREEING_NOISE = 10 ** (-AGREEING_DB / 10);
const MAX_DB = 150;
const MAX_CHANNELS = 256;
/**
 * Channels this much louder than the others are judged apart: in a detector's output the corners of
 * boxes are in pixels and the scores below 1, and int8 that ruins the scores leaves the sum sound.
 */
const APART = 8;

interface SampleRow {
  readonly signal: Float64Array;
  readonly noise: Float64Array;
}

export function compareOutputNoise(): OutputComparison {
  const rows = new Map<string, SampleRow[]>();
  let samples = 0;
  return {
    observe(expected, actual) {
      for (const [name, tensor] of Object.entries(expected)) {
        const row = rowOf(tensor, actual[name]);
        const known = rows.get(name);
        if (known === undefined) rows.set(name, [row]);
        else known.push(row);
      }
      samples += 1;
    },
    result() {
      const parts = [...rows.values()].flatMap(partsOf);
      const noisiest = parts.reduce((worst, { ratio }) => Math.max(worst, ratio), 0);
      const agrees = Array.from({ length: samples }, (_, i) =>
        parts.every(({ agreeing }) => agreeing[i] ?? true),
      );
      const db = Math.min(MAX_DB, Math.max(-MAX_DB, decibels(1, noisiest)));
      const noise = agrees.map((_, i) => Math.max(0, ...parts.map((part) => part.noise[i] ?? 0)));
      return { agrees, noise, divergence: noisiest, db };
    },
  };
}

function rowOf(expected: Tensor, actual: Tensor | undefined): SampleRow {
  const { count, of } = channelsOf(expected.shape);
  const signal = new Float64Array(count);
  const noise = new Float64Array(count);
  const x = numbersOf(expected);
  const fits = actual !== undefined && String(actual.shape) === String(expected.shape);
  const y = fits ? numbersOf(actual) : undefined;
  for (let i = 0; i < x.length; i++) {
    if (Number.isNaN(x[i])) continue;
    const channel = of(i);
    const error =
      y === undefined || Number.isNaN(y[i]) ? Infinity : x[i] === y[i] ? 0 : x[i]! - y[i]!;
    signal[channel]! += x[i]! ** 2;
    noise[channel]! += error ** 2;
  }
  return { signal, noise };
}

/** The smallest dimension behind the batch, where there are several: the others are positions. */
function channelsOf(shape: readonly number[]): {
  readonly count: number;
  of(index: number): number;
} {
  const sizes = shape.map((size, axis) => ({ size, axis })).slice(1);
  const channels = sizes.filter(({ size }) => size > 1 && size <= MAX_CHANNELS);
  const [smallest] = channels.toSorted((a, b) => a.size - b.size || a.axis - b.axis);
  if (sizes.length < 2 || smallest === undefined) return { count: 1, of: () => 0 };
  const { size, axis } = smallest;
  const stride = shape.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  return { count: size, of: (index) => Math.floor(index / stride) % size };
}

interface Part {
  readonly ratio: number;
  /** By sample, over the signal of a usual one. */
  readonly noise: readonly number[];
  readonly agreeing: readonly boolean[];
}

function partsOf(rows: readonly SampleRow[]): Part[] {
  const count = Math.max(0, ...rows.map(({ signal }) => signal.length));
  const power = Array.from({ length: count }, (_, channel) =>
    rows.reduce((sum, { signal }) => sum + (signal[channel] ?? 0), 0),
  );
  return groupsOf(power).map((channels) => {
    const total = (values: Float64Array): number =>
      channels.reduce((sum, channel) => sum + (values[channel] ?? 0), 0);
    const signals = rows.map(({ signal }) => total(signal));
    const noises = rows.map(({ noise }) => total(noise));
    const signal = signals.reduce((a, b) => a + b, 0);
    const noise = noises.reduce((a, b) => a + b, 0);
    // A sample that holds little of what the others hold is measured by those.
    const usual = signal / Math.max(1, rows.length);
    return {
      ratio: ratioOf(noise, signal),
      noise: noises.map((own) => ratioOf(own, usual)),
      agreeing: noises.map(
        (own, i) => ratioOf(own, Math.max(usual, signals[i] ?? 0)) <= AGREEING_NOISE,
      ),
    };
  });
}

function ratioOf(noise: number, signal: number): number {
  return noise === 0 ? 0 : noise / signal;
}

/** Channels divided where their power jumps most, if it jumps far. */
function groupsOf(power: readonly number[]): number[][] {
  const order = [...power.keys()].sort((a, b) => (power[a] ?? 0) - (power[b] ?? 0) || a - b);
  const silent = order.filter((channel) => !((power[channel] ?? 0) > 0));
  const audible = order.slice(silent.length);
  const jumps = audible
    .slice(1)
    .map((channel, i) => (power[channel] ?? 0) / (power[audible[i] ?? 0] ?? 1));
  const widest = jumps.reduce((best, jump, i) => (jump > (jumps[best] ?? 0) ? i : best), 0);
  if ((jumps[widest] ?? 0) < APART ** 2) return [order];
  return [[...silent, ...audible.slice(0, widest + 1)], audible.slice(widest + 1)];
}
