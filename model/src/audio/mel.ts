import type { MelSpec } from '../spec/types.ts';

/** One triangle: its weights from the first bin of the spectrum that it covers. */
export interface MelFilter {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * Triangles over a spectrum of fftSize / 2 + 1 bins, equally spaced in mel. With `triangles: hz`
 * these are librosa's and torchaudio's `filters.mel` and `melscale_fbanks`, with `mel` those of
 * TensorFlow's `linear_to_mel_weight_matrix`.
 */
export function melFilters(spec: MelSpec, sampleRate: number, fftSize: number): MelFilter[] {
  const { toMel, toHz } = SCALES[spec.scale];
  const low = toMel(spec.fMin);
  const step = (toMel(spec.fMax) - low) / (spec.bins + 1);
  const edges = Array.from({ length: spec.bins + 2 }, (_, i) => low + i * step);
  const position = (hz: number) => (spec.triangles === 'hz' ? hz : toMel(hz));
  const bins = Array.from({ length: fftSize / 2 + 1 }, (_, k) =>
    position((k * sampleRate) / fftSize),
  );
  return Array.from({ length: spec.bins }, (_, i) => {
    const hz = edges.slice(i, i + 3).map(toHz) as [number, number, number];
    const [left, center, right] = spec.triangles === 'hz' ? hz : edges.slice(i, i + 3);
    const height = spec.norm === 'slaney' ? 2 / (hz[2] - hz[0]) : 1;
    return triangle(bins, left!, center!, right!, height);
  });
}

function triangle(
  bins: readonly number[],
  left: number,
  center: number,
  right: number,
  height: number,
): MelFilter {
  const weights = bins.map((x) =>
    Math.max(0, height * Math.min((x - left) / (center - left), (right - x) / (right - center))),
  );
  const first = weights.findIndex((weight) => weight > 0);
  // A triangle narrower than the spectrum's bins may fall between two of them.
  if (first < 0) return { first: 0, weights: new Float64Array() };
  const last = weights.findLastIndex((weight) => weight > 0);
  return { first, weights: Float64Array.from(weights.slice(first, last + 1)) };
}

interface Scale {
  toMel(hz: number): number;
  toHz(mel: number): number;
}

/** Slaney, "Auditory Toolbox", 1998: straight up to 1 kHz, then 27 steps for a factor of 6.4. */
const HZ_PER_MEL = 200 / 3;
const KNEE_HZ = 1000;
const KNEE_MEL = KNEE_HZ / HZ_PER_MEL;
const LOG_STEP = Math.log(6.4) / 27;

const SCALES: Readonly<Record<MelSpec['scale'], Scale>> = {
  /** The HTK Book, eq. 5.13. */
  htk: {
    toMel: (hz) => 2595 * Math.log10(1 + hz / 700),
    toHz: (mel) => 700 * (10 ** (mel / 2595) - 1),
  },
  slaney: {
    toMel: (hz) => (hz < KNEE_HZ ? hz / HZ_PER_MEL : KNEE_MEL + Math.log(hz / KNEE_HZ) / LOG_STEP),
    toHz: (mel) =>
      mel < KNEE_MEL ? mel * HZ_PER_MEL : KNEE_HZ * Math.exp(LOG_STEP * (mel - KNEE_MEL)),
  },
};
