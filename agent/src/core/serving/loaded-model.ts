import {
  checkFeeds,
  createPipeline,
  decodeGolden,
  type ImageDecoder,
  type LoadOptions,
  loadWithFallback,
  type Pipeline,
  type Prediction,
  type Preprocessed,
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
import { type BatchLimits, createBatcher, type Run } from './batcher.ts';
import { readBundle, type StoredBundle } from './bundle.ts';
import { mayJoin, samplesIn } from './join.ts';
import { createMeter, type ModelLoad } from './meter.ts';
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
  /** Most samples of requests that are run as one; 1 where they are not joined. */
  readonly maxBatch: number;
  readonly load: ModelLoad;
  /**
   * @param seen told what the inputs became, at the moment of the answer
   * @throws FlotillaError `infer.failed` where the model fails, `infer.busy` where too many wait;
   *   else the input is at fault
   */
  infer(inputs: RawInputs, seen?: Seen): Promise<Inference>;
  /** As `infer`, with what another model made of the same inputs. */
  inferPrepared(prepared: Preprocessed): Promise<Inference>;
  dispose(): Promise<void>;
}

/** Watches inferences: for as long as it takes, the answer waits. */
export type Seen = (inputs: RawInputs, prepared: Preprocessed, inference: Inference) => void;

export type SessionChoice = Pick<Session, 'runtime' | 'provider' | 'fallbacks'>;

export interface LoadPorts {
  readonly blobs: BlobStore;
  readonly runtimes: readonly Runtime[];
  readonly runtimeCache: RuntimeCache;
  readonly decoder: ImageDecoder;
  readonly clock: Clock;
  readonly loadOptions: LoadOptions;
  readonly serving: ServingLimits;
}

/** How requests for one model wait. */
export interface ServingLimits extends BatchLimits {
  /** Most requests that wait or run; one more is refused. */
  readonly maxQueue: number;
}

/** Loads a bundle and runs it once on a golden input, so that the first caller finds it warm. */
export async function loadModel(
  ports: LoadPorts,
  slot: string,
  installed: Installed,
): Promise<LoadedModel> {
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
      features: new Set(bundle.profile?.features.map(({ name }) => name)),
    });
    const samples = decodeGolden(golden);
    const [sample] = samples.inputs;
    if (sample !== undefined) await session.run(sample);
    const timeRun = createRunTimer(ports.clock, sample);
    const maxBatch = (await mayJoin(session, samples)) ? ports.serving.maxBatch : 1;
    const parts = { ...ports, serving: { ...ports.serving, maxBatch }, timeRun, session, pipeline };
    return createLoadedModel(parts, slot, installed, bundle);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

interface ModelParts extends Pick<LoadPorts, 'clock' | 'serving'> {
  readonly timeRun: RunTimer;
  readonly session: Session;
  readonly pipeline: Pipeline;
}

function createLoadedModel(
  { clock, serving, timeRun, session, pipeline }: ModelParts,
  slot: string,
  installed: Installed,
  bundle: StoredBundle,
): LoadedModel {
  const meter = createMeter();
  const nowMs = () => clock.monotonic();

  async function execute(feeds: Tensors): Promise<Run> {
    const ended = timeRun(feeds);
    const beganMs = nowMs();
    const outputs = await session.run(feeds);
    meter.ran(samplesIn(feeds) ?? 1, nowMs() - beganMs);
    return { outputs, runMs: ended(), queueMs: 0 };
  }
  const run = serving.maxBatch > 1 ? joining() : execute;

  function joining(): (feeds: Tensors) => Promise<Run> {
    const sleep = (ms: number, signal: AbortSignal) => clock.sleep(ms, signal);
    const batcher = createBatcher({ execute, nowMs, sleep }, serving);
    return (feeds) => {
      checkFeeds(feeds, session.inputs);
      return batcher(feeds);
    };
  }

  type Prepare = () => Promise<Preprocessed>;
  type Told = (prepared: Preprocessed, inference: Inference) => void;

  async function answer(prepare: Prepare, began: number, told?: Told): Promise<Inference> {
    const prepared = await prepare();
    const preparedMs = nowMs();
    try {
      const { outputs, runMs, queueMs } = await run(prepared.tensors);
      const ranMs = nowMs();
      const predictions = pipeline.postprocess(outputs, prepared);
      const endMs = nowMs();
      const phases = {
        input: preparedMs - began,
        queue: queueMs,
        run: ranMs - preparedMs - queueMs,
        output: endMs - ranMs,
      };
      meter.succeeded(phases, samplesIn(prepared.tensors) ?? 1, clock.now());
      const { features } = prepared;
      const latencyUs = (endMs - began) * 1000;
      const inference = { installed, outputs, predictions, features, latencyUs, runMs };
      told?.(prepared, inference);
      return inference;
    } catch (error) {
      throw modelFault(slot, error);
    }
  }

  async function infer(prepare: Prepare, told?: Told): Promise<Inference> {
    if (meter.load.pending >= serving.maxQueue) {
      meter.dropped();
      throw new FlotillaError('infer.busy', { slot, waiting: serving.maxQueue });
    }
    const began = nowMs();
    meter.began();
    try {
      return await answer(prepare, began, told);
    } catch (error) {
      meter.failed(isFlotillaError(error, 'infer.failed'), nowMs() - began);
      throw error;
    }
  }

  return {
    installed,
    bundle,
    inputs: session.inputs,
    outputs: session.outputs,
    session,
    maxBatch: serving.maxBatch,
    get load() {
      return meter.load;
    },
    infer: (inputs, seen) =>
      infer(
        () => pipeline.preprocess(inputs),
        seen && ((prepared, inference) => seen(inputs, prepared, inference)),
      ),
    inferPrepared: (prepared) => infer(async () => prepared),
    dispose: () => session.dispose(),
  };
}

function modelFault(slot: string, error: unknown): FlotillaError {
  // a wrong shape is the input's fault
  if (isFlotillaError(error, 'infer.failed') || isFlotillaError(error, 'tensor.invalid')) {
    return error;
  }
  const reason = asFlotillaError(error).message;
  return new FlotillaError('infer.failed', { slot, reason }, { cause: error });
}
