import { FlotillaError } from '@flotilla/protocol';
import { createAudioFeatureReader } from '../audio/audio-features.ts';
import { createFrontEnd, type FrontEnd } from '../audio/front-end.ts';
import { createRateConverter, type RateConverter } from '../audio/rate-converter.ts';
import { type AudioClip, decodeWav } from '../audio/wav.ts';
import { MAX_BATCH } from '../batch.ts';
import { isNumberElement, type NumberElement, roundedTensor } from '../rounding.ts';
import { MAX_CLIP_SAMPLES } from '../spec/audio-schema.ts';
import type { AudioInput } from '../spec/types.ts';
import type { Tensor, TensorInfo } from '../tensor.ts';
import { checkTensor, tensorError } from '../tensors.ts';
import { type Feed, type Feeder, isTensor } from './feed.ts';
import { numbersOf } from './numbers.ts';
import { meanOf, type TensorStatistics } from './statistics.ts';

/** Numbers that sound may become: a small hop makes many of a long clip. */
const MAX_VALUES = 2 ** 26;

/**
 * Feeds sound. Takes a WAV file, samples at the declared rate as an INT16 tensor [samples] or
 * [batch, samples] or as FP32 [samples] (−1 to 1), or a tensor that is fed as it is.
 */
export function audioFeeder(
  info: TensorInfo,
  input: AudioInput,
  statistics: TensorStatistics,
  mismatch: (reason: string) => never,
): Feeder {
  const frontEnd = createFrontEnd(input);
  const type = checkDeclared(info, frontEnd, mismatch);
  const atRate = rateKeeper(input.sampleRate);
  const featuresOf = createAudioFeatureReader();
  const fromClips = (clips: readonly Float32Array[]): Feed => {
    checkSize(info.name, frontEnd, clips);
    const cut = clips.map((clip) => frontEnd.cut(clip));
    const made = cut.map((clip) => frontEnd.make(clip));
    return {
      tensor: stack(info, type, made),
      features: meanOf(cut.map((clip) => featuresOf(info.name, clip))),
    };
  };
  return {
    fromCaller: true,
    async feed(raw, where) {
      if (!isTensor(raw)) return fromClips([atRate(decodeWav(raw, where), where)]);
      checkTensor(info.name, raw);
      const clips = clipsIn(info.name, raw);
      if (clips) return fromClips(clips);
      return { tensor: raw, features: statistics(raw) };
    },
  };
}

/** Brings clips to one rate; keeps the tables for the rate of the clip before. */
function rateKeeper(rate: number): (clip: AudioClip, where: string) => Float32Array {
  let kept: { readonly from: number; readonly convert: RateConverter } | undefined;
  return ({ sampleRate, samples }, where) => {
    const length = Math.ceil((samples.length * rate) / sampleRate);
    if (length > MAX_CLIP_SAMPLES) {
      const reason = `it has ${length} samples at ${rate} Hz, more than ${MAX_CLIP_SAMPLES}`;
      throw new FlotillaError('audio.undecodable', { where, reason });
    }
    if (kept?.from !== sampleRate) {
      kept = { from: sampleRate, convert: createRateConverter(sampleRate, rate) };
    }
    return kept.convert(samples);
  };
}

/**
 * Short clips become long ones where they are padded, so it is known beforehand.
 *
 * @throws FlotillaError `tensor.invalid`
 */
function checkSize(name: string, frontEnd: FrontEnd, clips: readonly Float32Array[]): void {
  const sumOf = (size: (samples: number) => number) =>
    clips.reduce((sum, { length }) => sum + size(length), 0);
  const samples = sumOf(frontEnd.lengthOf);
  if (samples > MAX_CLIP_SAMPLES) {
    throw tensorError(name, `would be ${samples} samples of sound, more than ${MAX_CLIP_SAMPLES}`);
  }
  const values = sumOf(frontEnd.countOf);
  if (values > MAX_VALUES) throw tensorError(name, `would hold ${values} numbers, too many`);
}

/**
 * Samples in a tensor; undefined where it is ready.
 *
 * @throws FlotillaError `tensor.invalid`
 */
function clipsIn(name: string, tensor: Tensor): Float32Array[] | undefined {
  const { type, shape } = tensor;
  const [first = 0, length = first] = shape;
  const batch = shape.length === 2 ? first : 1;
  if (type === 'FP32' && shape.length === 1) return [Float32Array.from(numbersOf(tensor))];
  if (type !== 'INT16' || shape.length > 2 || shape.length === 0) return undefined;
  if (batch > MAX_BATCH) throw tensorError(name, `has ${batch} clips, more than ${MAX_BATCH}`);
  const samples = Float32Array.from(numbersOf(tensor));
  for (let i = 0; i < samples.length; i++) samples[i]! /= 2 ** 15;
  return Array.from({ length: batch }, (_, i) => samples.subarray(i * length, (i + 1) * length));
}

/** What the model declares must be what the spec makes, where both are known beforehand. */
function checkDeclared(
  info: TensorInfo,
  { sizes }: FrontEnd,
  mismatch: (reason: string) => never,
): NumberElement {
  const { type, shape } = info;
  if (!isNumberElement(type)) return mismatch(`is sound but the model takes ${type}`);
  if (sizes.includes(0)) return mismatch('takes clips that are shorter than one frame');
  if (shapeFor(shape, -1, sizes)) return type;
  return mismatch(`is made as [-1,${sizes}] but the model takes [${shape}] (-1 is any size)`);
}

/** The shape of made values that fits a declared one: with sizes of 1 between them, or in one row. */
function shapeFor(
  declared: readonly number[],
  batch: number,
  sizes: readonly number[],
): readonly number[] | undefined {
  const row = sizes.includes(-1) ? -1 : sizes.reduce((product, n) => product * n, 1);
  const shapes = [
    [batch, ...sizes],
    [batch, 1, ...sizes],
    [batch, ...sizes, 1],
    [batch, row],
    [batch, 1, row],
    ...(Math.abs(batch) === 1 ? [sizes, [row]] : []),
  ];
  return shapes.find(
    (shape) =>
      shape.length === declared.length &&
      shape.every((n, i) => n === -1 || declared[i] === -1 || declared[i] === n),
  );
}

function stack(
  info: TensorInfo,
  type: NumberElement,
  made: readonly ReturnType<FrontEnd['make']>[],
): Tensor {
  const [first] = made;
  if (!first || first.values.length === 0) {
    throw tensorError(info.name, 'needs sound of at least one frame');
  }
  const shape = shapeFor(info.shape, made.length, first.sizes);
  if (!shape) {
    const sizes = [made.length, ...first.sizes];
    throw tensorError(
      info.name,
      `of [${sizes}] does not fit the model, which takes [${info.shape}]`,
    );
  }
  const values = new Float64Array(first.values.length * made.length);
  for (const [i, clip] of made.entries()) values.set(clip.values, i * first.values.length);
  return roundedTensor(values, shape, type);
}
