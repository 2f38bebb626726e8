import Type from 'typebox';
import { factors, flag, numberFrom, strict, wholeFrom } from './fields.ts';

/** Longest clip: 17 minutes at 16 kHz, 64 MiB as floats. */
export const MAX_CLIP_SAMPLES = 1 << 24;
/** Largest number of mel bins, and of the numbers that normalize them. */
const MAX_MEL_BINS = 512;
/** Longest frame and longest way from one to the next, in samples. */
export const MAX_FFT_SIZE = 32768;

const Frames = Type.Object(
  {
    frame: Type.Optional(
      wholeFrom(2, MAX_FFT_SIZE, 'must be samples from 2 to 32768; or give frameMs'),
    ),
    frameMs: Type.Optional(numberFrom(0.1, 1000, 'must be milliseconds from 0.1 to 1000')),
    hop: Type.Optional(
      wholeFrom(1, MAX_FFT_SIZE, 'must be samples from 1 to 32768; or give hopMs'),
    ),
    hopMs: Type.Optional(numberFrom(0.1, 1000, 'must be milliseconds from 0.1 to 1000')),
    fftSize: Type.Optional(
      Type.Integer({
        minimum: 2,
        maximum: MAX_FFT_SIZE,
        multipleOf: 2,
        description:
          'must be an even number of samples from 2 to 32768, not below the frame (the default: the next power of two)',
      }),
    ),
    window: Type.Optional(
      Type.Enum(['hann', 'hamming', 'rectangular'], {
        description: 'must be hann (the default), hamming or rectangular',
      }),
    ),
    periodic: Type.Optional(
      flag(
        'must be true (the default: the window as librosa, torchaudio and TensorFlow take it) or false (symmetric)',
      ),
    ),
    center: Type.Optional(
      Type.Enum(['none', 'zeros', 'reflect'], {
        description:
          'must be none (the default: the first frame begins with the clip) or what the clip is padded with so that frames are centered: zeros (librosa) or reflect (torchaudio)',
      }),
    ),
    pad: Type.Optional(
      Type.Enum(['end', 'both'], {
        description:
          'must say where a frame shorter than fftSize gets its zeros: end (the default, as TensorFlow) or both (as librosa and torchaudio, whose frames are fftSize long)',
      }),
    ),
  },
  { ...strict, description: 'must be an object with frame or frameMs, and hop or hopMs' },
);

const Mel = Type.Object(
  {
    bins: wholeFrom(1, MAX_MEL_BINS, `must be the number of mel bins, from 1 to ${MAX_MEL_BINS}`),
    fMin: Type.Optional(numberFrom(0, 192_000, 'must be the lowest frequency in Hz; default 0')),
    fMax: Type.Optional(
      numberFrom(1, 192_000, 'must be the highest frequency in Hz; default half the sample rate'),
    ),
    scale: Type.Optional(
      Type.Enum(['htk', 'slaney'], {
        description:
          'must be htk (the default, as torchaudio and TensorFlow) or slaney (as librosa)',
      }),
    ),
    norm: Type.Optional(
      Type.Enum(['none', 'slaney'], {
        description: 'must be none (the default) or slaney (triangles of equal area, as librosa)',
      }),
    ),
    triangles: Type.Optional(
      Type.Enum(['hz', 'mel'], {
        description:
          'must be hz (the default: slopes are straight in Hz, as librosa and torchaudio) or mel (straight in mel, as TensorFlow)',
      }),
    ),
    power: Type.Optional(
      Type.Enum([1, 2], {
        description: 'must be what is summed: 1 (magnitudes) or 2 (the default: their squares)',
      }),
    ),
  },
  { ...strict, description: 'must be an object with bins' },
);

const Log = Type.Object(
  {
    kind: Type.Optional(
      Type.Enum(['natural', 'log10', 'db', 'none'], {
        description:
          'must be natural (the default), log10, db (10 · log10 of powers, 20 · log10 of magnitudes) or none',
      }),
    ),
    offset: Type.Optional(
      numberFrom(
        0,
        1e6,
        'must be what is added before the logarithm; default 1e-6, or 0 with floor',
      ),
    ),
    floor: Type.Optional(
      numberFrom(0, 1e6, 'must be the least value that the logarithm is taken of; default 0'),
    ),
    range: Type.Optional(
      numberFrom(
        0,
        1e6,
        'must be how far below the largest value of a clip values may lie, after the logarithm (80 is the top_db of librosa)',
      ),
    ),
  },
  { ...strict, description: 'must be an object with kind, offset, floor and range' },
);

const Mfcc = Type.Object(
  {
    coefficients: wholeFrom(1, MAX_MEL_BINS, 'must be how many coefficients, at most mel.bins'),
    norm: Type.Optional(
      Type.Enum(['ortho', 'htk'], {
        description:
          'must be ortho (the default, as librosa and torchaudio) or htk (as TensorFlow, whose first coefficient is √2 times that)',
      }),
    ),
  },
  { ...strict, description: 'must be an object with coefficients' },
);

const NORMALIZE =
  'must be clip or bin (mean 0 and deviation 1 over the clip, or over each bin of it), or an object with mean and std';

const Normalize = Type.Union(
  [
    Type.Enum(['clip', 'bin']),
    Type.Object(
      {
        mean: Type.Optional(factors('must be what is subtracted', MAX_MEL_BINS)),
        std: Type.Optional(factors('must be what is divided by, not 0', MAX_MEL_BINS)),
      },
      strict,
    ),
  ],
  { description: NORMALIZE },
);

/** How sound becomes a tensor. */
export const Audio = Type.Object(
  {
    sampleRate: wholeFrom(1000, 384_000, 'must be samples per second, from 1000 to 384000'),
    channels: Type.Optional(
      Type.Enum(['mono'], { description: 'must be mono: the mean of all channels is taken' }),
    ),
    samples: Type.Optional(
      wholeFrom(1, MAX_CLIP_SAMPLES, `must be samples per clip, at most ${MAX_CLIP_SAMPLES}`),
    ),
    seconds: Type.Optional(numberFrom(0.001, 3600, 'must be the length of a clip in seconds')),
    align: Type.Optional(
      Type.Enum(['start', 'center', 'end'], {
        description:
          'must be the part of a clip that stays where it is too long, and where it lies in silence where it is too short: start (the default), center or end',
      }),
    ),
    preEmphasis: Type.Optional(
      numberFrom(0, 1, 'must be c of y[n] = x[n] − c · x[n − 1], from 0 (the default) to 1'),
    ),
    features: Type.Optional(
      Type.Enum(['waveform', 'logMel', 'mfcc'], {
        description: 'must be waveform (the default), logMel or mfcc',
      }),
    ),
    frames: Type.Optional(Frames),
    mel: Type.Optional(Mel),
    log: Type.Optional(Log),
    mfcc: Type.Optional(Mfcc),
    normalize: Type.Optional(Normalize),
    layout: Type.Optional(
      Type.Enum(['framesFirst', 'binsFirst'], {
        description:
          'must be framesFirst (the default: [frames, bins]) or binsFirst ([bins, frames])',
      }),
    ),
  },
  { ...strict, description: 'must be an object with sampleRate' },
);

export type AudioDocument = Type.Static<typeof Audio>;
