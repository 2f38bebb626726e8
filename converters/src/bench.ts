import { availableParallelism } from 'node:os';
import {
  ELEMENT_TYPES,
  elementCount,
  type Tensor,
  type TensorInfo,
  type Tensors,
} from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { type Digest, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { TargetId } from '@flotilla/targets';
import { readOnnxFile } from './formats/onnx/file.ts';
import { modelInBundle } from './model-in-bundle.ts';
import { loadModel } from './source.ts';
import { hostTarget } from './verify/host.ts';
import { type MeasuredOn, quantileOf, thisProcessor, timeRun } from './verify/latency.ts';

export interface BenchRequest {
  readonly modelFile: string;
  /** Timed runs; default 50. */
  readonly runs?: number;
  /** Default 1. */
  readonly threads?: number;
  /** Execution providers in order of preference; default `['cpu']`. */
  readonly providers?: readonly string[];
}

/** Milliseconds; the runs are one after the other, with inputs of zeros. */
export interface BenchResult {
  /** Of the model file: what `--measurements` of an optimization finds its variants by. */
  readonly digest: Digest;
  /** The hardware class of this machine, where it is one that is known. */
  readonly target?: TargetId;
  readonly bytes: number;
  readonly loadMs: number;
  readonly firstRunMs: number;
  readonly latencyMs: {
    readonly p50: number;
    readonly p95: number;
    readonly min: number;
    readonly measuredOn: MeasuredOn;
  };
  readonly runs: number;
  /** Providers that could not take the model, with the reason. */
  readonly fallbacks: readonly { readonly provider: string; readonly reason: string }[];
}

const WARM_UP = 3;
const MAX_RUNS = 100_000;

/**
 * Times a model on this machine. It runs in this process: see `child.ts`.
 *
 * @throws FlotillaError `bench.invalid`, `model.not-found`, `model.not-onnx`, `model.refused`,
 * `runtime.no-provider`
 */
export async function benchModel(request: BenchRequest): Promise<BenchResult> {
  const { modelFile, runs = 50, threads = 1, providers = ['cpu'] } = request;
  checkCount('runs', runs, MAX_RUNS);
  checkCount('threads', threads, availableParallelism());
  const start = performance.now();
  const { session, bytes, digest } = await withReaderErrors(() =>
    loadModel(ortRuntime(), modelFile, { threads, providers }),
  );
  const loadMs = performance.now() - start;
  try {
    const feeds = zeros(session.inputs);
    const firstRunMs = await timeRun(session, feeds);
    for (let i = 0; i < WARM_UP; i++) await timeRun(session, feeds);
    const times: number[] = [];
    for (let i = 0; i < runs; i++) times.push(await timeRun(session, feeds));
    const { provider, fallbacks } = session;
    const measuredOn = { cpu: thisProcessor(), provider, threads };
    const target = await hostTarget();
    return {
      digest,
      ...(target && { target }),
      bytes,
      loadMs,
      firstRunMs,
      latencyMs: {
        p50: quantileOf(times, 0.5),
        p95: quantileOf(times, 0.95),
        min: quantileOf(times, 0),
        measuredOn,
      },
      runs: times.length,
      fallbacks,
    };
  } finally {
    await session.dispose();
  }
}

/**
 * Has a model loaded; where the runtime refuses a file that cannot be read as ONNX at all, the error
 * is the reader's, which knows a text or a file cut off for what it is.
 *
 * @throws FlotillaError what `load` throws, `model.not-onnx` in place of `model.refused`
 */
export async function withReaderErrors<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!isFlotillaError(error, 'model.refused')) throw error;
    const { file } = error.context;
    if ((await modelInBundle(file)) === undefined) await readOnnxFile(file);
    throw error;
  }
}

function checkCount(field: string, value: number, most: number): void {
  if (Number.isInteger(value) && value >= 1 && value <= most) return;
  throw new FlotillaError('bench.invalid', { field, most });
}

/** Inputs of zeros in the declared shapes; a size known only at run time is 1. */
function zeros(inputs: readonly TensorInfo[]): Tensors {
  return Object.fromEntries(inputs.map((info) => [info.name, zeroTensor(info)]));
}

function zeroTensor({ type, shape }: TensorInfo): Tensor {
  const dims = shape.map((size) => (size < 0 ? 1 : size));
  return { type, shape: dims, data: new ELEMENT_TYPES[type](elementCount(dims)) };
}
