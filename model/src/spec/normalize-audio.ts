import { type AudioDocument, MAX_CLIP_SAMPLES, MAX_FFT_SIZE } from './audio-schema.ts';
import { type Complain, checkStd, spread } from './numbers.ts';
import type { AudioInput, LogSpec, MelSpec, Normalization, SpectrumSpec } from './types.ts';

const SPECTRAL = ['frames', 'mel', 'log', 'mfcc', 'layout'] as const;
/** Added before the logarithm where the spec says nothing: silence is no −∞. */
const DEFAULT_OFFSET = 1e-6;

export function normalizeAudio(
  where: string,
  audio: AudioDocument,
  complain: Complain,
): AudioInput {
  const spectrum = spectrumOf(where, audio, complain);
  const bins = spectrum?.cepstrum?.coefficients ?? spectrum?.mel.bins ?? 1;
  const input: AudioInput = {
    kind: 'audio',
    sampleRate: audio.sampleRate,
    samples: clipLength(where, audio, complain),
    align: audio.align ?? 'start',
    preEmphasis: audio.preEmphasis ?? 0,
    spectrum,
    normalize: normalizationOf(where, audio.normalize, bins, complain),
    layout: audio.layout ?? 'framesFirst',
  };
  if (input.normalize.kind === 'bin' && !spectrum) {
    complain(`${where}.normalize`, 'must be clip or an object: a waveform has no bins');
  }
  return input;
}

function clipLength(where: string, audio: AudioDocument, complain: Complain): number | undefined {
  const { samples, seconds, sampleRate } = audio;
  if (seconds === undefined) return samples;
  if (samples !== undefined) complain(`${where}.seconds`, 'must not be given beside samples');
  const length = Math.round(seconds * sampleRate);
  if (length < 1 || length > MAX_CLIP_SAMPLES) {
    complain(`${where}.seconds`, `must be 1 to ${MAX_CLIP_SAMPLES} samples, not ${length}`);
  }
  return length;
}

function spectrumOf(
  where: string,
  audio: AudioDocument,
  complain: Complain,
): SpectrumSpec | undefined {
  const { features = 'waveform', frames, mel, mfcc } = audio;
  if (features === 'waveform') {
    const idle = SPECTRAL.find((key) => audio[key] !== undefined);
    if (idle) complain(`${where}.${idle}`, 'is of no use for a waveform: set features');
    return undefined;
  }
  if (!frames) return complain(`${where}.frames`, `is missing; ${features} needs it`);
  if (!mel) return complain(`${where}.mel`, `is missing; ${features} needs it`);
  if (features === 'mfcc' && !mfcc) complain(`${where}.mfcc`, 'is missing; it says how many');
  if (features === 'logMel' && mfcc) complain(`${where}.mfcc`, 'is of no use for logMel');
  if (mfcc && mfcc.coefficients > mel.bins) {
    complain(`${where}.mfcc.coefficients`, `must be at most mel.bins, ${mel.bins}`);
  }
  return {
    ...framesOf(`${where}.frames`, audio.sampleRate, frames, complain),
    mel: melOf(`${where}.mel`, audio.sampleRate, mel, complain),
    log: logOf(`${where}.log`, audio.log, complain),
    cepstrum: mfcc && { coefficients: mfcc.coefficients, norm: mfcc.norm ?? 'ortho' },
  };
}

function framesOf(
  where: string,
  sampleRate: number,
  frames: NonNullable<AudioDocument['frames']>,
  complain: Complain,
): Omit<SpectrumSpec, 'mel' | 'log' | 'cepstrum'> {
  const length = (key: 'frame' | 'hop'): number => {
    const samples = frames[key];
    const ms = frames[`${key}Ms`];
    if ((samples === undefined) === (ms === undefined)) {
      return complain(`${where}.${key}`, `must be given in samples, or else as ${key}Ms`);
    }
    const made = Math.max(1, samples ?? Math.round(((ms ?? 0) * sampleRate) / 1000));
    if (made <= MAX_FFT_SIZE) return made;
    return complain(`${where}.${key}Ms`, `must be at most ${MAX_FFT_SIZE} samples, not ${made}`);
  };
  const frame = length('frame');
  const fftSize = frames.fftSize ?? Math.max(2, 2 ** Math.ceil(Math.log2(frame)));
  if (fftSize < frame) {
    complain(`${where}.fftSize`, `must be at least the frame of ${frame} samples`);
  }
  return {
    frame,
    hop: length('hop'),
    fftSize,
    window: frames.window ?? 'hann',
    periodic: frames.periodic ?? true,
    center: frames.center ?? 'none',
    pad: frames.pad ?? 'end',
  };
}

function melOf(
  where: string,
  sampleRate: number,
  mel: NonNullable<AudioDocument['mel']>,
  complain: Complain,
): MelSpec {
  const { fMin = 0, fMax = sampleRate / 2 } = mel;
  if (fMax > sampleRate / 2) {
    complain(`${where}.fMax`, `must be at most half the sample rate, ${sampleRate / 2} Hz`);
  }
  if (fMin >= fMax) complain(`${where}.fMin`, `must be below fMax, ${fMax} Hz`);
  return {
    bins: mel.bins,
    fMin,
    fMax,
    scale: mel.scale ?? 'htk',
    norm: mel.norm ?? 'none',
    triangles: mel.triangles ?? 'hz',
    power: mel.power ?? 2,
  };
}

function logOf(where: string, log: AudioDocument['log'], complain: Complain): LogSpec {
  const { kind = 'natural', floor = 0 } = log ?? {};
  const offset = log?.offset ?? (floor > 0 || kind === 'none' ? 0 : DEFAULT_OFFSET);
  if (kind !== 'none' && floor + offset === 0) {
    complain(`${where}.offset`, 'must be above 0 where floor is 0: silence has no logarithm');
  }
  return { kind, offset, floor, range: log?.range };
}

function normalizationOf(
  where: string,
  normalize: AudioDocument['normalize'],
  bins: number,
  complain: Complain,
): Normalization {
  if (typeof normalize === 'string') return { kind: normalize };
  const per = (key: 'mean' | 'std', fallback: number) =>
    spread(`${where}.normalize.${key}`, normalize?.[key], bins, fallback, complain);
  const std = per('std', 1);
  checkStd(`${where}.normalize.std`, std, complain);
  return { kind: 'fixed', mean: per('mean', 0), std };
}
