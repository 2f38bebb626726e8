import type { CepstrumSpec, LogSpec, SpectrumSpec } from '../spec/types.ts';
import { createPowerSpectrum } from './fft.ts';
import { melFilters } from './mel.ts';

/** Values [frames, bins], row by row. */
export interface Spectrogram {
  readonly frames: number;
  readonly bins: number;
  readonly values: Float64Array;
}

export interface SpectrumMaker {
  /** Numbers of each frame. */
  readonly bins: number;
  /** Frames of a clip; 0 where it is shorter than one. */
  framesOf(samples: number): number;
  make(samples: ArrayLike<number>): Spectrogram;
}

/** Short-time spectra of a clip: frames, window, FFT, mel, logarithm and, for MFCC, cosine transform. */
export function createSpectrumMaker(spec: SpectrumSpec, sampleRate: number): SpectrumMaker {
  const { hop, fftSize, frame, pad, mel } = spec;
  // As in librosa and torchaudio a short window lies in the middle of a frame as long as the FFT.
  const span = pad === 'both' ? fftSize : frame;
  const offset = Math.floor((span - frame) / 2);
  const margin = spec.center === 'none' ? 0 : Math.floor(span / 2);
  const window = windowOf(spec);
  const powerOf = createPowerSpectrum(fftSize);
  const filters = melFilters(mel, sampleRate, fftSize);
  const buffer = new Float64Array(fftSize);
  const power = new Float64Array(fftSize / 2 + 1);
  const cepstrum = spec.cepstrum && cosineTransform(mel.bins, spec.cepstrum);
  const framesOf = (samples: number): number =>
    Math.max(0, 1 + Math.floor((samples + 2 * margin - span) / hop));

  function melsOf(samples: ArrayLike<number>): Spectrogram {
    const frames = samples.length === 0 ? 0 : framesOf(samples.length);
    const values = new Float64Array(frames * mel.bins);
    const at = sampleReader(samples, spec.center);
    for (let f = 0, o = 0; f < frames; f++) {
      const start = f * hop - margin + offset;
      for (let i = 0; i < frame; i++) buffer[offset + i] = window[i]! * at(start + i);
      powerOf(buffer, power);
      if (mel.power === 1) for (let k = 0; k < power.length; k++) power[k] = Math.sqrt(power[k]!);
      for (const { first, weights } of filters) {
        let sum = 0;
        for (let k = 0; k < weights.length; k++) sum += weights[k]! * power[first + k]!;
        values[o++] = sum;
      }
    }
    return { frames, bins: mel.bins, values };
  }

  return {
    bins: spec.cepstrum?.coefficients ?? mel.bins,
    framesOf,
    make(samples) {
      const mels = melsOf(samples);
      takeLogarithm(mels.values, spec.log, mel.power);
      return cepstrum ? cepstrum(mels) : mels;
    },
  };
}

/** Hann and Hamming windows; a periodic one leaves out its last sample, which equals its first. */
function windowOf({ window, frame, periodic }: SpectrumSpec): Float64Array {
  if (window === 'rectangular') return new Float64Array(frame).fill(1);
  const a = window === 'hann' ? 0.5 : 0.54;
  const length = periodic ? frame : frame - 1;
  return Float64Array.from(
    { length: frame },
    (_, i) => a - (1 - a) * Math.cos((2 * Math.PI * i) / length),
  );
}

/** Samples also from outside of a clip that is padded. */
function sampleReader(
  samples: ArrayLike<number>,
  center: SpectrumSpec['center'],
): (index: number) => number {
  const { length } = samples;
  if (center !== 'reflect') return (i) => (i >= 0 && i < length ? samples[i]! : 0);
  const period = Math.max(1, 2 * (length - 1));
  return (i) => {
    if (i >= 0 && i < length) return samples[i]!;
    const folded = Math.abs(i) % period;
    return samples[folded < length ? folded : period - folded]!;
  };
}

function takeLogarithm(values: Float64Array, log: LogSpec, power: 1 | 2): void {
  if (log.kind !== 'none') {
    const factor = { natural: 1, log10: Math.LOG10E, db: (20 / power) * Math.LOG10E }[log.kind];
    for (let i = 0; i < values.length; i++) {
      values[i] = factor * Math.log(Math.max(values[i]!, log.floor) + log.offset);
    }
  }
  if (log.range === undefined) return;
  const least = values.reduce((max, value) => Math.max(max, value), -Infinity) - log.range;
  for (let i = 0; i < values.length; i++) values[i] = Math.max(values[i]!, least);
}

/** DCT-II of each frame. */
function cosineTransform(
  bins: number,
  { coefficients, norm }: CepstrumSpec,
): (mels: Spectrogram) => Spectrogram {
  const basis = new Float64Array(coefficients * bins);
  for (let c = 0; c < coefficients; c++) {
    const scale = Math.sqrt((c === 0 && norm === 'ortho' ? 1 : 2) / bins);
    for (let m = 0; m < bins; m++) {
      basis[c * bins + m] = scale * Math.cos((Math.PI * c * (m + 0.5)) / bins);
    }
  }
  return ({ frames, values }) => {
    const made = new Float64Array(frames * coefficients);
    for (let f = 0, o = 0; f < frames; f++) {
      for (let c = 0; c < coefficients; c++, o++) {
        let sum = 0;
        for (let m = 0; m < bins; m++) sum += basis[c * bins + m]! * values[f * bins + m]!;
        made[o] = sum;
      }
    }
    return { frames, bins: coefficients, values: made };
  };
}
