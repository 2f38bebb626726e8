import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseSpec } from '../spec/parse.ts';
import { createSpectrumMaker } from './spectrum.ts';

const RATE = 16_000;

/** The signal of testing/audio-goldens.py. */
function signal(count: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length: count }, (_, i) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const t = i / RATE;
    const tones =
      0.4 * Math.sin(2 * Math.PI * 440 * t) + 0.3 * Math.sin(2 * Math.PI * (500 + 4000 * t) * t);
    return tones + 0.02 * (state / 2 ** 31 - 1);
  });
}

function spectrumOf(audio: string) {
  const text = `schema: 1\nname: m\ninputs: {x: {audio: {sampleRate: ${RATE}, ${audio}}}}\noutputs: {raw: {}}`;
  const input = parseSpec(text, 'm.yaml').inputs.x;
  if (input?.kind !== 'audio' || !input.spectrum) throw new Error('no spectrum');
  return createSpectrumMaker(input.spectrum, RATE);
}

const LIBROSA =
  'frames: {frame: 400, hop: 160, fftSize: 512, center: zeros, pad: both}, mel: {bins: 24, scale: slaney, norm: slaney}, log: {kind: db, floor: 1e-10, range: 80}';
const TENSORFLOW =
  'frames: {frameMs: 30, hopMs: 20}, mel: {bins: 40, fMin: 20, fMax: 4000, triangles: mel, power: 1}, log: {offset: 1e-6}';

/** By golden: how a spec says the same, and how far it may be off (dB, natural or decimal units). */
const CASES: Readonly<Record<string, readonly [audio: string, tolerance: number]>> = {
  librosaDb: [`features: logMel, ${LIBROSA}`, 1e-4],
  librosaMfcc: [`features: mfcc, ${LIBROSA}, mfcc: {coefficients: 13}`, 1e-4],
  torchaudioLog: [
    'features: logMel, frames: {frame: 400, hop: 200, fftSize: 400, center: reflect, pad: both}, mel: {bins: 20, fMin: 50, fMax: 7600}',
    2e-5,
  ],
  hammingLog10: [
    'features: logMel, frames: {frameMs: 16, hopMs: 8, window: hamming}, mel: {bins: 16, fMin: 20, fMax: 4000, power: 1}, log: {kind: log10, floor: 1e-5}',
    2e-5,
  ],
  tensorflowLog: [`features: logMel, ${TENSORFLOW}`, 2e-5],
  tensorflowMfcc: [`features: mfcc, ${TENSORFLOW}, mfcc: {coefficients: 10, norm: htk}`, 2e-5],
};

const GOLDENS: Readonly<Record<string, readonly (readonly number[])[]>> = JSON.parse(
  readFileSync(new URL('../testing/audio-goldens.json', import.meta.url), 'utf8'),
);

describe('spectra', () => {
  it.each(Object.keys(GOLDENS))('equals %s', (name) => {
    const [audio, tolerance] = CASES[name]!;
    const { frames, bins, values } = spectrumOf(audio).make(signal(2400));
    const golden = GOLDENS[name]!;
    expect([frames, bins]).toEqual([golden.length, golden[0]?.length]);
    const errors = golden.flat().map((value, i) => Math.abs(value - values[i]!));
    expect(Math.max(...errors)).toBeLessThan(tolerance);
  });

  it('tells the frames of a clip beforehand, and has none of a clip shorter than one', () => {
    const maker = spectrumOf('features: logMel, frames: {frame: 400, hop: 160}, mel: {bins: 8}');
    expect(maker.framesOf(16_000)).toBe(98);
    expect(maker.make(new Float32Array(16_000)).frames).toBe(98);
    expect(maker.make(new Float32Array(399)).frames).toBe(0);
    expect(maker.make(new Float32Array(0)).frames).toBe(0);
  });

  it('reflects a clip shorter than what is padded', () => {
    const maker = spectrumOf(
      'features: logMel, frames: {frame: 64, hop: 32, center: reflect}, mel: {bins: 4}',
    );
    for (const length of [1, 2, 5]) {
      const { values, frames } = maker.make(new Float32Array(length).fill(0.5));
      expect(frames).toBe(1 + Math.floor(length / 32));
      expect(values.every(Number.isFinite)).toBe(true);
    }
  });
});
