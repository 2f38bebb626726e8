import { createPowerSpectrum } from './fft.ts';

/** The numbers about sound that drift is judged by; the names are part of every profile. */
const AUDIO_FEATURES = ['rms', 'peak', 'crossings', 'centroid'] as const;

type AudioFeature = (typeof AUDIO_FEATURES)[number];

const FRAME = 512;

/** Tells the features of clips, named `INPUT.rms`…; keeps its tables from call to call. */
export type AudioFeatureReader = (input: string, samples: Float32Array) => Record<string, number>;

/**
 * Numbers about the samples that a model hears, after resampling and before all else.
 *
 * - rms, peak: root mean square and largest magnitude, of full range 1
 * - crossings: share of neighbors with another sign
 * - centroid: mean frequency weighted by magnitude, a fraction of half the sample rate
 */
export function createAudioFeatureReader(): AudioFeatureReader {
  const centroidOf = createCentroid();
  return (input, samples) => {
    let squares = 0;
    let peak = 0;
    let crossings = 0;
    for (let i = 0; i < samples.length; i++) {
      const value = samples[i]!;
      squares += value * value;
      peak = Math.max(peak, Math.abs(value));
      if (i > 0 && value < 0 !== samples[i - 1]! < 0) crossings++;
    }
    const values: Record<AudioFeature, number> = {
      rms: Math.sqrt(squares / Math.max(1, samples.length)),
      peak,
      crossings: crossings / Math.max(1, samples.length - 1),
      centroid: centroidOf(samples),
    };
    return Object.fromEntries(AUDIO_FEATURES.map((name) => [`${input}.${name}`, values[name]]));
  };
}

/** Over frames side by side under a Hann window; what is left at the end of a clip is not heard. */
function createCentroid(): (samples: Float32Array) => number {
  const powerOf = createPowerSpectrum(FRAME);
  const frame = new Float64Array(FRAME);
  const power = new Float64Array(FRAME / 2 + 1);
  const window = Float64Array.from(
    frame,
    (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / FRAME),
  );
  return (samples) => {
    let weighted = 0;
    let total = 0;
    for (let start = 0; start === 0 || start + FRAME <= samples.length; start += FRAME) {
      for (let i = 0; i < FRAME; i++) frame[i] = window[i]! * (samples[start + i] ?? 0);
      powerOf(frame, power);
      for (let k = 0; k < power.length; k++) {
        const magnitude = Math.sqrt(power[k]!);
        weighted += k * magnitude;
        total += magnitude;
      }
    }
    return total === 0 ? 0 : weighted / total / (FRAME / 2);
  };
}
