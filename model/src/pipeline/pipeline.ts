import { FlotillaError } from '@flotilla/protocol';
import { fixedSize } from '../image/fit.ts';
import type { ImageDecoder } from '../image/image.ts';
import { type Placement, unmoved } from '../image/placement.ts';
import type { InputSpec, ModelSpec, OutputsSpec } from '../spec/types.ts';
import type { Tensor, TensorInfo, Tensors } from '../tensor.ts';
import { notAnInput, tensorError } from '../tensors.ts';
import { anomalyReader } from './anomaly.ts';
import { audioFeeder } from './audio-feeder.ts';
import { classificationReader } from './classify.ts';
import { detectionReader } from './detect.ts';
import { embeddingReader } from './embed.ts';
import type { Feeder, Raw } from './feed.ts';
import { imageFeeder } from './image-feeder.ts';
import type { OutputReader, ReadContext } from './output-reading.ts';
import { constantFeeder, constantTensor, rawFeeder, stateFeeder } from './plain-feeders.ts';
import type { Prediction } from './prediction.ts';
import type { Prepared, Preprocessed } from './prepared.ts';
import { regressionReader } from './regress.ts';
import { statisticsFor } from './statistics.ts';
import { tabularFeeder } from './tabular-feeder.ts';

/** From what a caller has to what a model takes, and back to what it means. */
export interface Pipeline {
  readonly spec: ModelSpec;
  /**
   * @param raw by input tensor; constants need not be given
   * @param where file or request that it comes from, for messages
   * @returns the feeds, whose tensors are the caller's or new, and what outputs and drift are judged by
   * @throws FlotillaError `tensor.invalid`, `image.undecodable`, `image.too-large`,
   *   `audio.undecodable`
   */
  preprocess(raw: Readonly<Record<string, Raw>>, where?: string): Promise<Preprocessed>;
  /**
   * One prediction a sample for each kind of output that the spec tells of, kind by kind in the order
   * of `Prediction`; one with the raw outputs where it tells of none.
   *
   * @param prepared what `preprocess` made of the inputs of this run
   * @throws FlotillaError `spec.mismatch` where outputs are not what the spec says
   */
  postprocess(outputs: Tensors, prepared: Prepared): Prediction[];
}

export interface PipelineOptions {
  /** In the order of the classes. */
  readonly labels: readonly string[] | undefined;
  /** What the loaded model declares. */
  readonly inputs: readonly TensorInfo[];
  readonly decoder: ImageDecoder;
  /** Names of the numbers about inputs that somebody reads; left out where all are. */
  readonly features?: ReadonlySet<string>;
  /**
   * Feeds a state that is not given as zeros, as at the start of a stream. Without it a model with
   * states is refused: nothing here feeds an output back in.
   */
  readonly statesFromZero?: boolean;
}

/**
 * Binds a spec to a loaded model.
 *
 * @throws FlotillaError `spec.mismatch` where they do not fit, `spec.unsupported`
 */
export function createPipeline(spec: ModelSpec, options: PipelineOptions): Pipeline {
  const feeders = bindInputs(spec, options);
  const readers = bindOutputs(spec, options.labels ?? inlineLabels(spec));
  return {
    spec,
    async preprocess(raw, where = 'the request') {
      refuseUnknown(raw, feeders, spec);
      const tensors: Record<string, Tensor> = {};
      const features: Record<string, number> = {};
      let placements: Preprocessed['placements'] = [];
      for (const [name, feeder] of feeders) {
        const feed = await feeder.feed(given(raw, name, feeder), where);
        tensors[name] = feed.tensor;
        Object.assign(features, feed.features);
        if (placements.length === 0 && feed.placements) placements = feed.placements;
      }
      return { tensors, features, placements };
    },
    postprocess(outputs, prepared) {
      if (readers.length === 0) return [{ kind: 'raw', tensors: outputs }];
      if (readers.length === 1) return readers[0]!(outputs, prepared);
      return readers.flatMap((read) => read(outputs, prepared));
    },
  };
}

/**
 * What a model takes that its spec gives one value for, by input.
 *
 * @throws FlotillaError `spec.mismatch` where a value does not fit
 */
export function constantTensors(spec: ModelSpec, inputs: readonly TensorInfo[]): Tensors {
  return Object.fromEntries(
    inputs.flatMap((info) => {
      const input = Object.hasOwn(spec.inputs, info.name) ? spec.inputs[info.name] : undefined;
      if (input?.kind !== 'constant') return [];
      return [[info.name, constantTensor(info, input, mismatchOf(spec, info.name))]];
    }),
  );
}

function mismatchOf(spec: ModelSpec, name: string): (reason: string) => never {
  return (reason) => {
    throw new FlotillaError('spec.mismatch', { model: spec.name, where: `input ${name}`, reason });
  };
}

function bindInputs(spec: ModelSpec, options: PipelineOptions): Map<string, Feeder> {
  const mismatch = (name: string) => mismatchOf(spec, name);
  const names = options.inputs.map((info) => info.name);
  for (const [name, { kind }] of Object.entries(spec.inputs)) {
    // A variant may hold the value itself, and take no such input any more.
    if (!names.includes(name) && kind !== 'constant') mismatch(name)(notAnInput(names));
  }
  return new Map(
    options.inputs.map((info) => {
      const input = Object.hasOwn(spec.inputs, info.name) ? spec.inputs[info.name] : undefined;
      if (!input) return mismatch(info.name)('is missing under inputs');
      return [info.name, bindInput(spec, info, input, options, mismatch(info.name))];
    }),
  );
}

function bindInput(
  spec: ModelSpec,
  info: TensorInfo,
  input: InputSpec,
  options: PipelineOptions,
  mismatch: (reason: string) => never,
): Feeder {
  const statistics = statisticsFor(info.name, options.features);
  switch (input.kind) {
    case 'image':
      return imageFeeder(info, input, options.decoder, statistics, mismatch);
    case 'audio':
      return audioFeeder(info, input, statistics, mismatch);
    case 'features':
      return tabularFeeder(info, input, mismatch);
    case 'constant':
      return constantFeeder(info, input, mismatch);
    case 'raw':
      return rawFeeder(info, statistics);
    case 'state':
      if (options.statesFromZero) return stateFeeder(info);
      throw unsupportedInput(spec, info, input);
  }
}

function unsupportedInput(spec: ModelSpec, { name }: TensorInfo, { kind }: InputSpec) {
  const supported = 'image, audio, features, constant and raw inputs';
  const where = `inputs.${name}`;
  return new FlotillaError('spec.unsupported', { model: spec.name, where, kind, supported });
}

type OutputKind = Exclude<keyof OutputsSpec, 'raw'>;

const READERS: {
  readonly [K in OutputKind]: (
    output: NonNullable<OutputsSpec[K]>,
    context: ReadContext,
  ) => OutputReader;
} = {
  classification: classificationReader,
  detection: detectionReader,
  regression: regressionReader,
  anomaly: anomalyReader,
  embedding: embeddingReader,
};

const LABELED = ['classification', 'detection'] as const;

function bindOutputs(spec: ModelSpec, labels: readonly string[] | undefined): OutputReader[] {
  const context = { model: spec.name, inputs: spec.inputs, placement: usualPlacement(spec) };
  const named = LABELED.filter((kind) => spec.outputs[kind]?.labels);
  // Labels belong to the outputs that tell of them; where none does, they were given beside the spec.
  const labelsOf = (kind: OutputKind) =>
    named.length === 0 || named.some((one) => one === kind) ? labels : undefined;
  const bind = <K extends OutputKind>(kind: K): OutputReader | undefined => {
    const output = spec.outputs[kind];
    return output && READERS[kind](output, { ...context, labels: labelsOf(kind) });
  };
  return (Object.keys(READERS) as OutputKind[]).flatMap((kind) => bind(kind) ?? []);
}

/** Where a model has an image input of one size: that its pixels are the image's. */
function usualPlacement({ inputs }: ModelSpec): Placement | undefined {
  const image = Object.values(inputs).find((input) => input.kind === 'image');
  const size = image && fixedSize(image);
  return size && unmoved(...size);
}

function inlineLabels({ outputs }: ModelSpec): readonly string[] | undefined {
  const labels = outputs.classification?.labels ?? outputs.detection?.labels;
  return labels && 'names' in labels ? labels.names : undefined;
}

function refuseUnknown(
  raw: Readonly<Record<string, Raw>>,
  feeders: Map<string, Feeder>,
  { inputs }: ModelSpec,
): void {
  const isConstant = (name: string): boolean =>
    Object.hasOwn(inputs, name) && inputs[name]?.kind === 'constant';
  const extra = Object.keys(raw).find((name) => !feeders.has(name) && !isConstant(name));
  if (extra !== undefined) throw tensorError(extra, notAnInput([...feeders.keys()]));
}

function given(raw: Readonly<Record<string, Raw>>, name: string, feeder: Feeder): Raw {
  const value = Object.hasOwn(raw, name) ? raw[name] : undefined;
  if (value) return value;
  if (!feeder.fromCaller) return new Uint8Array();
  throw tensorError(name, 'is missing');
}
