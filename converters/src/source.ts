import { stat } from 'node:fs/promises';
import {
  constantTensors,
  createPipeline,
  type LoadOptions,
  type ModelData,
  type Pipeline,
  type Runtime,
  type Session,
} from '@flotilla/model';
import { type LoadedSpec, loadSpecFor, ortRuntime, sharpDecoder } from '@flotilla/model/node';
import { type Digest, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { digestOfModelFiles } from './formats/onnx/model-digest.ts';
import { totalLength } from './formats/onnx/payloads.ts';
import { onnxPieces, writeOnnx } from './formats/onnx/write.ts';
import type { Model } from './ir/graph.ts';
import { modelInBundle } from './model-in-bundle.ts';
import { bindConstants } from './passes/bind-constants.ts';

/** A model file as its owner has it, with what it says of itself, ready to run. */
export interface Source extends LoadedSpec {
  readonly modelFile: string;
  /** Of the file, without weights in files beside it. */
  readonly modelBytes: number;
  readonly digest: Digest;
  readonly runtime: Runtime;
  /** What `session` runs: the file, or what is in its place. */
  readonly runs: ModelData;
  /** The model as it is: what variants are compared with. */
  readonly session: Session;
  readonly pipeline: Pipeline;
}

/**
 * Opens a model that `readModel` could read.
 *
 * @param cut the model in its place, where only a part of it is asked for
 * @throws FlotillaError from the spec, and `model.refused` where ONNX Runtime refuses the file
 */
export async function openSource(
  modelFile: string,
  specFile?: string,
  cut?: Uint8Array,
): Promise<Source> {
  const loaded = await loadSpecFor(modelFile, specFile);
  const runtime = ortRuntime();
  const { session, runs, digest, bytes } = await loadModel(runtime, modelFile, {}, cut);
  try {
    const pipeline = pipelineOf(loaded, session);
    return { ...loaded, modelFile, modelBytes: bytes, digest, runtime, runs, session, pipeline };
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** A message of Protocol Buffers ends there; the file's weights then lie beside it. */
const MOST_BYTES = 2 ** 31 - 1;

/**
 * Makes inputs that the spec gives one value for constants of the model, in place: what is chosen by
 * them is then known to the passes, and variants no longer take them. The model so bound runs in the
 * place of the file.
 *
 * @throws FlotillaError `spec.mismatch` where a value does not fit
 */
export async function withConstants(source: Source, model: Model): Promise<Source> {
  const { spec, labels, runtime, session: first } = source;
  try {
    const constants = constantTensors(spec, first.inputs);
    const count = Object.keys(constants).length;
    if (count === 0 || count === first.inputs.length) return source;
    if (totalLength(onnxPieces(model)) > MOST_BYTES) return source;
    bindConstants(model, constants);
    const runs = writeOnnx(model);
    const session = await runtime.load(runs);
    const pipeline = pipelineOf({ spec, labels }, session);
    await first.dispose();
    return { ...source, runs, session, pipeline };
  } catch (error) {
    await first.dispose();
    throw error;
  }
}

function pipelineOf({ spec, labels }: Pick<LoadedSpec, 'spec' | 'labels'>, session: Session) {
  const { inputs } = session;
  return createPipeline(spec, { labels, inputs, decoder: sharpDecoder(), statesFromZero: true });
}

export interface LoadedModel {
  readonly session: Session;
  /** What the session runs: the file, or what is in its place. */
  readonly runs: ModelData;
  /** Of the file and the weights beside it. */
  readonly digest: Digest;
  /** Of the file alone. */
  readonly bytes: number;
}

/**
 * Loads a file by its path, so that its weights are in memory once, and may lie beside it; of a
 * bundle the model in it.
 *
 * @param instead what is run in the file's place
 * @throws FlotillaError `model.not-found`, `model.is-folder`, `model.refused`, `runtime.no-provider`
 */
export async function loadModel(
  runtime: Runtime,
  file: string,
  options?: LoadOptions,
  instead?: Uint8Array,
): Promise<LoadedModel> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) throw new FlotillaError('model.is-folder', { folder: file });
  if (!found?.isFile()) throw new FlotillaError('model.not-found', { file });
  const bundled = await modelInBundle(file);
  const digest = bundled?.digest ?? (await digestOfModelFiles(file));
  try {
    const runs = instead ?? bundled?.bytes ?? file;
    const session = await runtime.load(runs, options);
    return { session, runs, digest, bytes: bundled?.bytes.length ?? found.size };
  } catch (cause) {
    if (!isFlotillaError(cause, 'runtime.load-failed')) throw cause;
    const { reason } = cause.context;
    throw new FlotillaError('model.refused', { file, reason }, { cause });
  }
}
