import type { AudioInput, Normalization } from '../spec/types.ts';
import { createSpectrumMaker, type Spectrogram } from './spectrum.ts';

/** Makes what a model hears of a clip: [samples] of a waveform or [frames, bins]. */
export interface FrontEnd {
  /** Sizes of the result without the batch; -1 depends on the clip. */
  readonly sizes: readonly number[];
  /** Samples of a clip of so many once it is cut, and how many values they become. */
  lengthOf(samples: number): number;
  countOf(samples: number): number;
  /** Cuts or pads a clip of the declared rate to the declared length. */
  cut(samples: Float32Array): Float32Array;
  /** @returns values in the order of the layout; none where a clip is shorter than a frame */
  make(clip: Float32Array): { readonly sizes: readonly number[]; readonly values: Float64Array };
}

/** What is added to the variance of a clip: silence is not divided by 0. */
const LEAST_VARIANCE = 1e-10;

export function createFrontEnd(input: AudioInput): FrontEnd {
  const { spectrum, samples, normalize, layout, preEmphasis } = input;
  const maker = spectrum && createSpectrumMaker(spectrum, input.sampleRate);
  const lengthOf = (clip: number) => samples ?? clip;
  const ordered = (frames: number, bins: number) =>
    layout === 'framesFirst' ? [frames, bins] : [bins, frames];
  return {
    sizes: maker
      ? ordered(samples === undefined ? -1 : maker.framesOf(samples), maker.bins)
      : [samples ?? -1],
    lengthOf,
    countOf: (clip) => (maker ? maker.framesOf(lengthOf(clip)) * maker.bins : lengthOf(clip)),
    cut: (clip) => cut(clip, input),
    make(clip) {
      const sound = emphasized(clip, preEmphasis);
      const { frames, bins, values } = maker
        ? maker.make(sound)
        : { frames: sound.length, bins: 1, values: sound };
      normalizeBy(normalize, { frames, bins, values });
      if (!maker) return { sizes: [frames], values };
      const sizes = ordered(frames, bins);
      return { sizes, values: layout === 'framesFirst' ? values : turned(frames, bins, values) };
    },
  };
}

function cut(clip: Float32Array, { samples, align }: AudioInput): Float32Array {
  if (samples === undefined || clip.length === samples) return clip;
  const spare = samples - clip.length;
  // Where the clip lies in the result; below 0 where it begins before it.
  const start = { start: 0, center: Math.floor(spare / 2), end: spare }[align];
  if (spare < 0) return clip.subarray(-start, -start + samples);
  const padded = new Float32Array(samples);
  padded.set(clip, start);
  return padded;
}

function emphasized(clip: Float32Array, c: number): Float64Array {
  const sound = new Float64Array(clip);
  if (c === 0) return sound;
  for (let n = 1; n < sound.length; n++) sound[n] = clip[n]! - c * clip[n - 1]!;
  return sound;
}

function normalizeBy(by: Normalization, { frames, bins, values }: Spectrogram): void {
  for (let bin = 0; bin < bins; bin++) {
    if (by.kind === 'fixed') scale(values, bin, bins, by.mean[bin]!, by.std[bin]!);
    if (by.kind === 'bin') scale(values, bin, bins, ...momentsOf(values, bin, bins, frames));
  }
  if (by.kind === 'clip') scale(values, 0, 1, ...momentsOf(values, 0, 1, values.length));
}

function scale(values: Float64Array, first: number, step: number, mean: number, std: number): void {
  for (let i = first; i < values.length; i += step) values[i] = (values[i]! - mean) / std;
}

/** Mean and population standard deviation of every step-th value. */
function momentsOf(
  values: Float64Array,
  first: number,
  step: number,
  count: number,
): [mean: number, std: number] {
  let mean = 0;
  for (let i = first; i < values.length; i += step) mean += values[i]! / count;
  let variance = 0;
  for (let i = first; i < values.length; i += step) variance += (values[i]! - mean) ** 2 / count;
  return [mean, Math.sqrt(variance + LEAST_VARIANCE)];
}

/** [frames, bins] as [bins, frames]. */
function turned(frames: number, bins: number, values: Float64Array): Float64Array {
  const out = new Float64Array(values.length);
  for (let f = 0; f < frames; f++) {
    for (let b = 0; b < bins; b++) out[b * frames + f] = values[f * bins + b]!;
  }
  return out;
}
