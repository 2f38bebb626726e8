import { perChannel, toPair } from './numbers.ts';
import type {
  FeaturesDocument,
  ImageDocument,
  InputDocument,
  OutputsDocument,
  SpecDocument,
} from './schema.ts';
import type { ImageInput, InputSpec, Labels, ModelSpec, OutputsSpec, ResizeSpec } from './types.ts';

/** Says which key of the document is wrong and why; never returns. */
export type Complain = (where: string, reason: string) => never;

/** Largest net loss of a variant where the spec does not say: one point. */
const DEFAULT_MAX_DROP = 0.01;

/** Fills in defaults and spells out short forms of a document that fits the schema. */
export function normalize(document: SpecDocument, complain: Complain): ModelSpec {
  const { evaluation } = document;
  const outputs = normalizeOutputs(document.outputs);
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
  if (input.audio) {
    return { kind: 'audio', sampleRate: input.audio.sampleRate, samples: input.audio.samples };
  }
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

function normalizeFeatures(
  where: string,
  features: FeaturesDocument,
  complain: Complain,
): InputSpec {
  const { names } = features;
  if (new Set(names).size < names.length) complain(`${where}.names`, 'must not name one twice');
  const per = (key: 'mean' | 'std', fallback: number) =>
    spread(`${where}.${key}`, features[key], names.length, fallback, complain);
  const std = per('std', 1);
  checkStd(`${where}.std`, std, complain);
  return { kind: 'features', names, mean: per('mean', 0), std };
}

function spread(
  where: string,
  value: Parameters<typeof perChannel>[0],
  count: number,
  fallback: number,
  complain: Complain,
): number[] {
  const numbers = perChannel(value, count, fallback);
  if (!numbers) return complain(where, `must be one number or ${count} of them`);
  if (!numbers.every(Number.isFinite))
    return complain(where, 'must be finite, without a division by 0');
  return numbers;
}

function checkStd(where: string, std: readonly number[], complain: Complain): void {
  if (std.includes(0)) complain(where, 'must not be 0: pixels and values are divided by it');
}

function normalizeOutputs(outputs: OutputsDocument): OutputsSpec {
  const { classification, detection, regression, embedding, raw } = outputs;
  return {
    classification: classification && {
      tensor: classification.tensor,
      labels: normalizeLabels(classification.labels),
      activation: classification.activation ?? 'softmax',
    },
    detection: detection && {
      boxes: detection.boxes,
      scores: detection.scores,
      format: detection.format,
      labels: normalizeLabels(detection.labels),
      nms: { iou: detection.nms?.iou ?? 0.5, score: detection.nms?.score ?? 0.25 },
    },
    regression,
    embedding,
    raw: raw !== undefined,
  };
}

function normalizeLabels(labels: string | readonly string[] | undefined): Labels | undefined {
  if (labels === undefined) return undefined;
  return typeof labels === 'string' ? { file: labels } : { names: labels };
}
