/** How sound becomes a tensor: one channel, cut or padded to a length, then features. */
export interface AudioInput {
  readonly kind: 'audio';
  /** Samples per second; sound of other rates is resampled. */
  readonly sampleRate: number;
  /** Length that clips are cut or padded with silence to; undefined takes any length. */
  readonly samples: number | undefined;
  /** Which part of a longer clip stays, and where a shorter one lies in the silence. */
  readonly align: 'start' | 'center' | 'end';
  /** c of y[n] = x[n] − c · x[n − 1]; 0 does nothing. */
  readonly preEmphasis: number;
  /** undefined feeds the waveform, in −1 to 1. */
  readonly spectrum: SpectrumSpec | undefined;
  readonly normalize: Normalization;
  readonly layout: 'framesFirst' | 'binsFirst';
}

/** (x − mean) / std with given numbers (one per bin), or with those of the clip or of each bin. */
export type Normalization =
  | { readonly kind: 'fixed'; readonly mean: readonly number[]; readonly std: readonly number[] }
  | { readonly kind: 'clip' | 'bin' };

/** Log-mel spectra, and cepstral coefficients of them where `cepstrum` is there. */
export interface SpectrumSpec {
  /** Lengths in samples. */
  readonly frame: number;
  readonly hop: number;
  readonly fftSize: number;
  readonly window: 'hann' | 'hamming' | 'rectangular';
  readonly periodic: boolean;
  readonly center: 'none' | 'zeros' | 'reflect';
  /** Where a frame shorter than the FFT gets its zeros. */
  readonly pad: 'end' | 'both';
  readonly mel: MelSpec;
  readonly log: LogSpec;
  readonly cepstrum: CepstrumSpec | undefined;
}

export interface MelSpec {
  readonly bins: number;
  /** Hz. */
  readonly fMin: number;
  readonly fMax: number;
  readonly scale: 'htk' | 'slaney';
  readonly norm: 'none' | 'slaney';
  /** What the slopes of the triangles are straight in. */
  readonly triangles: 'hz' | 'mel';
  /** Exponent of the magnitudes that are summed. */
  readonly power: 1 | 2;
}

/** log(max(x, floor) + offset), and then not below the largest of the clip − range. */
export interface LogSpec {
  readonly kind: 'natural' | 'log10' | 'db' | 'none';
  readonly offset: number;
  readonly floor: number;
  readonly range: number | undefined;
}

export interface CepstrumSpec {
  readonly coefficients: number;
  readonly norm: 'ortho' | 'htk';
}
