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
  const model = await readFile(input.model);
  const session = await loadWithFallback(runtimes, input.need, model, options);
  return testGolden(session, await readFile(input.golden));
}

/** Compares every golden sample and takes the median time of a run. */
export async function testGolden(session: Session, golden: Uint8Array): Promise<SelfTestReport> {
  const { inputs, outputs, tolerance } = decodeGolden(golden);
  const timesMs: number[] = [];
  let maxAbsError = 0;
  let reason = inputs.length === 0 ? 'the bundle has no golden samples' : '';
  for (const [sample, feeds] of inputs.entries()) {
    const began = performance.now();
    const actual = await session.run(feeds);
    timesMs.push(performance.now() - began);
    const { passed, worst, ...comparison } = compareTensors(
      outputs[sample] ?? {},
      actual,
      tolerance,
    );
    maxAbsError = Math.max(maxAbsError, comparison.maxAbsError);
    if (!passed) reason ||= `sample ${sample}: ${worst?.tensor} ${worst?.reason}`;
  }
  const latencyMs = timesMs.sort((a, b) => a - b)[timesMs.length >> 1] ?? 0;
  const { runtime, provider } = session;
  return {
    passed: reason === '',
    samples: inputs.length,
    maxAbsError,
    latencyMs,
    reason,
    runtime,
    provider,
    fallbacks: describeFallbacks(session.fallbacks),
  };
}
