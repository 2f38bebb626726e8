import { InferenceSession, Tensor } from 'onnxruntime-node';
import sharp from 'sharp';
import { renderPart } from './frame.ts';
import { type Drift, PART_LABELS } from './labels.ts';
import { seedOf } from './random.ts';

/** Edge of the model's input, in pixels. */
const SIZE = 96;
const CHANNELS = 3;
const MEAN = [0.485, 0.456, 0.406] as const;
const STD = [0.229, 0.224, 0.225] as const;

/** One frame as the model sees it: RGB bytes, 96×96, rows from the top. */
export interface Sample {
  readonly pixels: Uint8Array;
  readonly classIndex: number;
}

export interface Measurement {
  /** Fraction of samples whose top class is right. */
  readonly accuracy: number;
  /** Mean softmax value of the top class. */
  readonly confidence: number;
  /** Samples per predicted class, in the order of `PART_LABELS`. */
  readonly histogram: readonly number[];
}

/** Means over all samples, in units of 0 to 255. */
export interface InputStatistics {
  readonly channels: readonly [number, number, number];
  readonly brightness: number;
  /** Standard deviation within a frame. */
  readonly contrast: number;
  /** Mean absolute difference of horizontal neighbors. */
  readonly sharpness: number;
}

export interface SampleOptions {
  readonly count: number;
  readonly seed: number;
  readonly drift?: Drift | undefined;
}

/** Renders frames, passes them through JPEG as a camera would, and stretches them to 96×96. */
export async function renderSamples({ count, seed, drift }: SampleOptions): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let index = 0; index < count; index += 1) {
    const classIndex = index % PART_LABELS.length;
    const label = PART_LABELS[classIndex] ?? PART_LABELS[0];
    const { bytes } = await renderPart({ label, seed: seedOf(seed, index), drift, format: 'jpeg' });
    const pixels = await sharp(bytes)
      .resize(SIZE, SIZE, { fit: 'fill', kernel: 'linear', fastShrinkOnLoad: false })
      .removeAlpha()
      .raw()
      .toBuffer();
    samples.push({ pixels, classIndex });
  }
  return samples;
}

/** Runs a model, fed as its model.yaml declares, over the samples. */
export async function measureModel(file: string, samples: readonly Sample[]): Promise<Measurement> {
  // the library would report the model to its maker: docs/runtimes.md
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
  const session = await InferenceSession.create(file, { intraOpNumThreads: 1 });
  const histogram = PART_LABELS.map(() => 0);
  let right = 0;
  let confidence = 0;
  for (const { pixels, classIndex } of samples) {
    const { logits } = await session.run({ image: toTensor(pixels) });
    const chances = softmax(Array.from(logits?.data as Float32Array));
    const best = Math.max(...chances);
    const top = chances.indexOf(best);
    histogram[top] = (histogram[top] ?? 0) + 1;
    right += top === classIndex ? 1 : 0;
    confidence += best;
  }
  await session.release();
  return { accuracy: right / samples.length, confidence: confidence / samples.length, histogram };
}

/** x = (pixel / 255 − mean) / std, channels first. */
function toTensor(pixels: Uint8Array): Tensor {
  const area = SIZE * SIZE;
  const values = new Float32Array(CHANNELS * area);
  for (let channel = 0; channel < CHANNELS; channel += 1) {
    const mean = MEAN[channel] ?? 0;
    const std = STD[channel] ?? 1;
    for (let index = 0; index < area; index += 1) {
      values[channel * area + index] =
        ((pixels[index * CHANNELS + channel] ?? 0) / 255 - mean) / std;
    }
  }
  return new Tensor('float32', values, [1, CHANNELS, SIZE, SIZE]);
}

function softmax(logits: readonly number[]): number[] {
  const top = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - top));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** The plain statistics that drift detection on a device can follow. */
export function inputStatistics(samples: readonly Sample[]): InputStatistics {
  const frames = samples.map(({ pixels }) => frameStatistics(pixels));
  const mean = (of: (frame: InputStatistics) => number): number =>
    frames.reduce((total, frame) => total + of(frame), 0) / frames.length;
  return {
    channels: [mean((f) => f.channels[0]), mean((f) => f.channels[1]), mean((f) => f.channels[2])],
    brightness: mean((f) => f.brightness),
    contrast: mean((f) => f.contrast),
    sharpness: mean((f) => f.sharpness),
  };
}

function frameStatistics(pixels: Uint8Array): InputStatistics {
  const area = SIZE * SIZE;
  const channels: [number, number, number] = [0, 0, 0];
  let squares = 0;
  let steps = 0;
  for (let index = 0; index < pixels.length; index += 1) {
    const value = pixels[index] ?? 0;
    channels[(index % CHANNELS) as 0 | 1 | 2] += value / area;
    squares += value * value;
    const isRowEnd = Math.floor(index / CHANNELS) % SIZE === SIZE - 1;
    steps += isRowEnd ? 0 : Math.abs(value - (pixels[index + CHANNELS] ?? 0));
  }
  const brightness = (channels[0] + channels[1] + channels[2]) / CHANNELS;
  return {
    channels,
    brightness,
    contrast: Math.sqrt(squares / pixels.length - brightness * brightness),
    sharpness: steps / (CHANNELS * SIZE * (SIZE - 1)),
  };
}
