/** Runs in a limited child process: an untried model may abort the runtime, spin, or eat memory. */
import { readFile } from 'node:fs/promises';
import { compareTensors, decodeGolden, type Session } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import type { SelfTestReport } from '../core/index.ts';

export interface SelfTestInput {
  readonly model: string;
  readonly golden: string;
  readonly threads: number;
}

export async function run({ model, golden, threads }: SelfTestInput): Promise<SelfTestReport> {
  const session = await ortRuntime().load(await readFile(model), { threads });
  return testGolden(session, await readFile(golden));
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
  return { passed: reason === '', samples: inputs.length, maxAbsError, latencyMs, reason };
}
