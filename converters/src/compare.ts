import type { PairedQuality } from '@flotilla/model';
import { divideData } from './data/divide.ts';
import type { SliceAccuracy } from './request.ts';
import { openSource, readModelBytes } from './source.ts';
import { compareEvaluations, compareOutputs, evaluate } from './verify/evaluate.ts';
import {
  type LatencyPair,
  type MeasuredOn,
  measureLatency,
  thisProcessor,
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
  const { a, b, specFile, evaluation, maxEvaluation = 1000, latencyRuns = 30 } = request;
  const bytes = await readModelBytes(b);
  const source = await openSource(a, specFile);
  const { session: first, pipeline, spec, labels, runtime } = source;
  try {
    const second = await runtime.load(bytes);
    try {
      const limits = { maxCalibration: 1, maxEvaluation, seed: 1, needsCalibration: false };
      const data = await divideData({ evaluation, ...limits }, spec, labels, pipeline);
      const samples = data.evaluation;
      const [one, two] = [
        await evaluate(first, pipeline, samples),
        await evaluate(second, pipeline, samples),
      ];
      const accuracy =
        one === undefined || two === undefined
          ? { ...(await compareOutputs(first, second, samples)).quality, slices: [] }
          : compareEvaluations(one, two, samples.items);
      const pair = await measureLatency(first, second, await probesOf(samples), latencyRuns);
      const { provider } = second;
      return {
        accuracy,
        latencyMs: { ...pair, measuredOn: { cpu: thisProcessor(), provider, threads: 1 } },
        bytes: { fp32: source.modelBytes.length, variant: bytes.length },
        warnings: data.warnings,
      };
    } finally {
      await second.dispose();
    }
  } finally {
    await first.dispose();
  }
}
