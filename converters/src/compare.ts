import type { PairedQuality, TensorInfo } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import { withReaderErrors } from './bench.ts';
import { divideData } from './data/divide.ts';
import type { SliceAccuracy } from './result.ts';
import { type LoadedModel, loadModel, openSource, type Source } from './source.ts';
import { openJudge } from './verify/evaluate.ts';
import {
  type LatencyPair,
  type MeasuredOn,
  measureLatency,
  thisProcessor,
  timeRun,
} from './verify/latency.ts';
import { probesOf } from './verify/verify.ts';

export interface CompareRequest {
  /** What `b` is compared with. */
  readonly a: string;
  readonly b: string;
  /** Default: the spec beside `a`. */
  readonly specFile?: string;
  /** Folder or array file. */
  readonly evaluation: string;
  /** Default 1000. */
  readonly maxEvaluation?: number;
  /** Default 30. */
  readonly latencyRuns?: number;
}

/** `fp32` is the first model, `variant` the second, in pairs as in a conversion. */
export interface CompareResult {
  readonly accuracy: PairedQuality & { readonly slices: readonly SliceAccuracy[] };
  readonly latencyMs: LatencyPair & { readonly measuredOn: MeasuredOn };
  readonly bytes: { readonly fp32: number; readonly variant: number };
  readonly warnings: readonly string[];
}

/**
 * Compares two models that take the same input on the same samples. They run in this process.
 *
 * @throws FlotillaError naming the model, spec or data file at fault
 */
export async function compareModels(request: CompareRequest): Promise<CompareResult> {
  const source = await withReaderErrors(() => openSource(request.a, request.specFile));
  try {
    const second = await withReaderErrors(() => loadModel(source.runtime, request.b));
    try {
      checkInputs(request, source.session.inputs, second.session.inputs);
      return await compareLoaded(request, source, second);
    } finally {
      await second.session.dispose();
    }
  } finally {
    await source.session.dispose();
  }
}

async function compareLoaded(
  { evaluation, maxEvaluation = 1000, latencyRuns = 30 }: CompareRequest,
  source: Source,
  { session: second, runs: variant, bytes }: LoadedModel,
): Promise<CompareResult> {
  const { session: first, runs, modelBytes, pipeline, runtime } = source;
  const data = await divideData({ evaluation, ...ALL_JUDGE, maxEvaluation }, source);
  const samples = data.evaluation;
  const probes = await probesOf(samples);
  const runner = { runtime, runMs: await timeRun(first, probes[0] ?? {}) };
  const judge = await openJudge({ model: runs, session: first, pipeline, samples, runner });
  const { quality } = await judge.judge(variant);
  const pair = await measureLatency(first, second, probes, latencyRuns);
  const { provider } = second;
  return {
    accuracy: quality,
    latencyMs: { ...pair, measuredOn: { cpu: thisProcessor(), provider, threads: 1 } },
    bytes: { fp32: modelBytes, variant: bytes },
    warnings: data.warnings,
  };
}

/** @throws FlotillaError `compare.inputs-differ` where no sample could be fed to both */
function checkInputs(
  { a, b }: CompareRequest,
  first: readonly TensorInfo[],
  second: readonly TensorInfo[],
): void {
  const others = new Map(second.map((info) => [info.name, info]));
  const same = first.every((info) => fits(info, others.get(info.name)));
  if (same && first.length === second.length) return;
  const [takes, other] = [inWords(first), inWords(second)];
  throw new FlotillaError('compare.inputs-differ', { a, takes, b, other });
}

/** True where a tensor can be both; -1 is any size. */
function fits({ type, shape }: TensorInfo, other: TensorInfo | undefined): boolean {
  if (other === undefined || other.type !== type || other.shape.length !== shape.length)
    return false;
  return shape.every((size, i) => size < 0 || other.shape[i]! < 0 || size === other.shape[i]);
}

function inWords(inputs: readonly TensorInfo[]): string {
  return inputs.map(({ name, type, shape }) => `${name} (${type} [${shape}])`).join(', ');
}

const ALL_JUDGE = {
  maxCalibration: 1,
  maxChoice: 1,
  seed: 1,
  needsCalibration: false,
  needsChoice: false,
};
