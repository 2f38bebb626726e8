import { normalizeAudio } from './normalize-audio.ts';
import { normalizeFeatures } from './normalize-features.ts';
import { normalizeOutputs } from './normalize-outputs.ts';
import { type Complain, checkStd, spread, toPair } from './numbers.ts';
import type { ImageDocument, InputDocument, SpecDocument } from './schema.ts';
import type { ImageInput, InputSpec, ModelSpec, ResizeSpec } from './types.ts';

/** Largest net loss of a variant where the spec does not say: one point. */
const DEFAULT_MAX_DROP = 0.01;

/** Fills in defaults and spells out short forms of a document that fits the schema. */
export function normalize(document: SpecDocument, complain: Complain): ModelSpec {
  const { evaluation } = document;
  const outputs = normalizeOutputs(document.outputs, Object.keys(document.inputs), complain);
  return {
    schema: 1,
    name: document.name,
    task: document.task,
    description: document.description,
    inputs: Object.fromEntries(
      Object.entries(document.inputs).map(([name, input]) => [
        name,
        normalizeInput(`inputs.${name}`, input, complain),
      ]),
    ),
    outputs,
    evaluation: {
      metric: evaluation?.metric ?? (outputs.classification ? 'top1' : 'agreement'),
      maxDrop: evaluation?.maxDrop ?? DEFAULT_MAX_DROP,
      slices: evaluation?.slices ?? [],
    },
  };
}

function normalizeInput(where: string, input: InputDocument, complain: Complain): InputSpec {
  if (input.image) return normalizeImage(`${where}.image`, input.image, complain);
  if (input.features) return normalizeFeatures(`${where}.features`, input.features, complain);
  if (input.audio) return normalizeAudio(`${where}.audio`, input.audio, complain);
  if (input.state) return { kind: 'state', from: input.state.from };
  if (input.constant !== undefined) {
    return { kind: 'constant', value: [input.constant].flat().map(Number) };
  }
  return { kind: 'raw' };
}

function normalizeImage(where: string, image: ImageDocument, complain: Complain): ImageInput {
  const color = image.color ?? 'rgb';
  const channels = color === 'gray' ? 1 : 3;
  const per = (key: 'scale' | 'mean' | 'std', fallback: number) =>
    spread(`${where}.${key}`, image[key], channels, fallback, complain);
  const std = per('std', 1);
  checkStd(`${where}.std`, std, complain);
  return {
    kind: 'image',
    color,
    resize: image.resize && normalizeResize(image.resize),
    crop: image.crop === undefined ? undefined : toPair(image.crop),
    scale: per('scale', 1),
    mean: per('mean', 0),
    std,
    layout: image.layout ?? 'nchw',
  };
}

function normalizeResize(resize: NonNullable<ImageDocument['resize']>): ResizeSpec {
  const pad = [resize.pad ?? 0].flat();
  const [red, green = red, blue = red] = pad as [number, number?, number?];
  return {
    mode: resize.mode,
    size: toPair(resize.size),
    kernel: resize.kernel ?? 'bilinear',
    antialias: resize.antialias ?? true,
    pad: [red, green, blue],
  };
}
