import {
  createPipeline,
  decodeGolden,
  type ImageDecoder,
  type LoadOptions,
  loadWithFallback,
  type Pipeline,
  type Prediction,
  type Runtime,
  type Session,
  type Tensor,
  type TensorInfo,
  type Tensors,
} from '@flotilla/model';
import { asFlotillaError, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { BlobStore } from '../blobs.ts';
import type { Clock, RuntimeCache } from '../ports.ts';
import type { Installed } from '../state.ts';
import { readBundle, type StoredBundle } from './bundle.ts';
import { createRunTimer, type RunTimer } from './run-timer.ts';

/** Inputs by tensor name: a tensor as the model takes it, or an encoded image. */
export type RawInputs = Readonly<Record<string, Uint8Array | Tensor>>;

export interface Inference {
  /** What answered: a swap may come between two calls. */
  readonly installed: Installed;
  readonly outputs: Tensors;
  /** One for each sample of the batch. */
  readonly predictions: readonly Prediction[];
  /** Of the inputs, by name, for drift detection. */
  readonly features: Readonly<Record<string, number>>;
  /** Decoding, preprocessing, running and postprocessing, microseconds. */
  readonly latencyUs: number;
  /**
   * The run alone, milliseconds, without the wait for the run before it; of a larger input, the
   * share that one of the golden inputs' size would take.
   */
  readonly runMs: number;
}

/** A bundle whose model is loaded and warm. */
export interface LoadedModel {
  readonly installed: Installed;
  readonly bundle: StoredBundle;
  readonly inputs: readonly TensorInfo[];
  readonly outputs: readonly TensorInfo[];
  /** What took the model, and why others did not. */
  readonly session: SessionChoice;
  /** @throws FlotillaError `infer.failed` where the model fails; else the input is at fault. */
  infer(inputs: RawInputs): Promise<Inference>;
  dispose(): Promise<void>;
}

export type SessionChoice = Pick<Session, 'runtime' | 'provider' | 'fallbacks'>;

export interface LoadPorts {
  readonly blobs: BlobStore;
  readonly runtimes: readonly Runtime[];
  readonly runtimeCache: RuntimeCache;
  readonly decoder: ImageDecoder;
  readonly clock: Clock;
  readonly loadOptions: LoadOptions;
}

/** Loads a bundle and runs it once on a golden input, so that the first caller finds it warm. */
export async function loadModel(ports: LoadPorts, installed: Installed): Promise<LoadedModel> {
  const bundle = await readBundle(ports.blobs, installed.digest);
  const model = await ports.blobs.read(bundle.model.digest);
  const golden = await ports.blobs.read(bundle.golden.digest);
  if (model === undefined || golden === undefined) {
    const reason = 'a blob of it is missing on disk';
    throw new FlotillaError('bundle.invalid', { where: installed.digest, reason });
  }
  const { runtime: need, precision } = bundle.config;
  const session = await loadWithFallback(ports.runtimes, need, model, {
    ...ports.loadOptions,
    precision,
    cacheFolder: ports.runtimeCache.folder(installed.digest),
  });
  try {
    const { labels } = bundle;
    const pipeline = createPipeline(bundle.spec, {
      labels: labels && [...labels],
      inputs: [...session.inputs],
      decoder: ports.decoder,
    });
    const [sample] = decodeGolden(golden).inputs;
    if (sample !== undefined) await session.run(sample);
    const timeRun = createRunTimer(ports.clock, sample);
    return createLoadedModel({ clock: ports.clock, timeRun, session, pipeline }, installed, bundle);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

interface ModelParts {
  readonly clock: Clock;
  readonly timeRun: RunTimer;
  readonly session: Session;
  readonly pipeline: Pipeline;
}

function createLoadedModel(
  { clock, timeRun, session, pipeline }: ModelParts,
  installed: Installed,
  bundle: StoredBundle,
): LoadedModel {
  return {
    installed,
    bundle,
    inputs: session.inputs,
    outputs: session.outputs,
    session,
    async infer(inputs) {
      const began = clock.monotonic();
      const prepared = await pipeline.preprocess(inputs);
      try {
        const ended = timeRun(prepared.tensors);
        const outputs = await session.run(prepared.tensors);
        const runMs = ended();
        const predictions = pipeline.postprocess(outputs, prepared);
        const latencyUs = (clock.monotonic() - began) * 1000;
        const { features } = prepared;
        return { installed, outputs, predictions, features, latencyUs, runMs };
      } catch (error) {
        throw modelFault(installed.model, error);
      }
    },
    dispose: () => session.dispose(),
  };
}

function modelFault(slot: string, error: unknown): FlotillaError {
  if (isFlotillaError(error, 'infer.failed')) return error;
  const reason = asFlotillaError(error).message;
  return new FlotillaError('infer.failed', { slot, reason }, { cause: error });
}
