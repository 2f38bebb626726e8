/** Runs in a limited child process: an untried model may abort the runtime, spin, or eat memory. */
import { readFile, rm } from 'node:fs/promises';
import {
  compareTensors,
  decodeGolden,
  describeFallbacks,
  type LoadOptions,
  loadWithFallback,
  type RuntimeNeed,
  type Session,
} from '@flotilla/model';
import { makeRuntime, type RuntimeSpec } from '@flotilla/model/node';
import type { SelfTestReport } from '../core/index.ts';
import { type BenchmarkLimits, benchmark } from './benchmark.ts';

export interface SelfTestInput {
  readonly model: string;
  readonly golden: string;
  readonly runtimes: readonly RuntimeSpec[];
  readonly need: RuntimeNeed;
  readonly options: LoadOptions;
}

/**
 * Loads the model as the agent will, into an empty cache: what TensorRT builds here, the agent finds
 * when it activates the model.
 */
export async function run(input: SelfTestInput): Promise<SelfTestReport> {
  const { options } = input;
  // what an earlier attempt left may be torn
  if (options.cacheFolder) await rm(options.cacheFolder, { recursive: true, force: true });
  const runtimes = await Promise.all(input.runtimes.map(makeRuntime));
  const golden = await readFile(input.golden);
  const beforeBytes = process.memoryUsage.rss();
  const model = await readFile(input.model);
  const session = await loadWithFallback(runtimes, input.need, model, options);
  const report = await testGolden(session, golden);
  const rssBytes = Math.max(0, process.memoryUsage.rss() - beforeBytes);
  return { ...report, rssBytes };
}

/** Compares every golden sample; where all are right, takes the time of more runs on them. */
export async function testGolden(
  session: Session,
  golden: Uint8Array,
  limits?: BenchmarkLimits,
): Promise<Omit<SelfTestReport, 'rssBytes'>> {
  const { inputs, outputs, tolerance } = decodeGolden(golden);
  let maxAbsError = 0;
  let toleranceUsed = 0;
  let reason = inputs.length === 0 ? 'the bundle has no golden samples' : '';
  for (const [sample, feeds] of inputs.entries()) {
    const actual = await session.run(feeds);
    const { passed, worst, ...comparison } = compareTensors(
      outputs[sample] ?? {},
      actual,
      tolerance,
    );
    maxAbsError = Math.max(maxAbsError, comparison.maxAbsError);
    toleranceUsed = Math.max(toleranceUsed, comparison.toleranceUsed);
    if (!passed) reason ||= `sample ${sample}: ${worst?.tensor} ${worst?.reason}`;
  }
  const passed = reason === '';
  const { p50Ms, p95Ms } = await benchmark(session, passed ? inputs : [], limits);
  const { runtime, provider } = session;
  return {
    passed,
    samples: inputs.length,
    maxAbsError,
    toleranceUsed,
    latencyMs: p50Ms,
    latencyP95Ms: p95Ms,
    reason,
    runtime,
    provider,
    fallbacks: describeFallbacks(session.fallbacks),
  };
}
