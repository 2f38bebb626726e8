import { readFile, stat } from 'node:fs/promises';
import {
  createPipeline,
  type LoadOptions,
  type Pipeline,
  type Runtime,
  type Session,
} from '@flotilla/model';
import { type LoadedSpec, loadSpecFor, ortRuntime, sharpDecoder } from '@flotilla/model/node';
import { type Digest, FlotillaError, isFlotillaError, sha256 } from '@flotilla/protocol';

/** A model file as its owner has it, with what it says of itself, ready to run. */
export interface Source extends LoadedSpec {
  readonly modelFile: string;
  readonly modelBytes: Uint8Array;
  readonly digest: Digest;
  readonly runtime: Runtime;
  /** The model as it is: what variants are compared with. */
  readonly session: Session;
  readonly pipeline: Pipeline;
}

/**
 * Opens a model that `readModel` could read.
 *
 * @throws FlotillaError from the spec, and `model.refused` where ONNX Runtime refuses the file
 */
export async function openSource(modelFile: string, specFile?: string): Promise<Source> {
  const loaded = await loadSpecFor(modelFile, specFile);
  const runtime = ortRuntime();
  const { session, bytes: modelBytes } = await loadModel(runtime, modelFile);
  try {
    const { spec, labels } = loaded;
    const decoder = sharpDecoder();
    const pipeline = createPipeline(spec, { labels, inputs: session.inputs, decoder });
    const digest = await sha256(modelBytes);
    return { ...loaded, modelFile, modelBytes, digest, runtime, session, pipeline };
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

/** @throws FlotillaError `model.not-found`, `model.refused`, `runtime.no-provider` */
export async function loadModel(
  runtime: Runtime,
  file: string,
  options?: LoadOptions,
): Promise<{ readonly session: Session; readonly bytes: Uint8Array }> {
  const found = await stat(file).catch(() => undefined);
  if (!found?.isFile()) throw new FlotillaError('model.not-found', { file });
  const bytes = new Uint8Array(await readFile(file));
  try {
    return { session: await runtime.load(bytes, options), bytes };
  } catch (cause) {
    if (!isFlotillaError(cause, 'runtime.load-failed')) throw cause;
    const { reason } = cause.context;
    throw new FlotillaError('model.refused', { file, reason }, { cause });
  }
}
