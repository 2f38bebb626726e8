import {
  buildProfile,
  encodeProfile,
  type Golden,
  judge,
  type Session,
  type Tensors,
} from '@flotilla/model';
import type { SampleSet } from '../data/samples.ts';
import type { Quantized } from '../quantize/quantize.ts';
import type { Accuracy } from '../result.ts';
import type { Source } from '../source.ts';
import type { Judge } from './evaluate.ts';
import type { LatencyPair, MeasureLatency } from './latency.ts';
import { type NodeSqnr, nodeSqnr } from './sqnr.ts';

export interface Verification {
  readonly accuracy: Accuracy;
  /** On this machine, one thread. */
  readonly latency: LatencyPair;
  readonly sqnr: readonly NodeSqnr[];
  readonly golden: Pick<Golden, 'inputs' | 'outputs'>;
  /** Encoded reference profile for drift. */
  readonly profile: Uint8Array;
}

/** What every variant is verified by; made once. */
export interface VerifyContext {
  readonly source: Source;
  /** Of the evaluation samples. */
  readonly judge: Judge;
  /** A few evaluation samples, for latency, SQNR and the golden outputs. */
  readonly probes: readonly Tensors[];
  readonly maxDrop: number;
  readonly latencyRuns: number;
  readonly measure: MeasureLatency;
}

const PROBES = 4;
const GOLDEN_SAMPLES = 3;

/** The first few samples. */
export async function probesOf(samples: SampleSet): Promise<Tensors[]> {
  const probes: Tensors[] = [];
  for await (const { tensors } of samples) {
    probes.push(tensors);
    if (probes.length >= PROBES) break;
  }
  return probes;
}

/** Compares a variant with the model it was made from, sample by sample, and times both in turns. */
export async function verify(
  variant: Quantized,
  { source, judge: samples, probes, maxDrop, latencyRuns, measure }: VerifyContext,
  onSample?: (done: number) => void,
): Promise<Verification> {
  const session = await source.runtime.load(variant.bytes);
  try {
    const { quality, observations } = await samples.judge(variant.bytes, onSample);
    const latency = await measure(source.session, session, probes, latencyRuns, variant.precision);
    const inputs = probes.slice(0, GOLDEN_SAMPLES);
    const sqnr = await nodeSqnr(
      variant.base,
      variant.model,
      variant.renamed,
      inputs,
      source.runtime,
    );
    return {
      accuracy: { ...quality, ...judge(quality, maxDrop) },
      latency,
      sqnr,
      golden: { inputs, outputs: await runAll(session, inputs) },
      profile: encodeProfile(buildProfile(observations, samples.classes)),
    };
  } finally {
    await session.dispose();
  }
}

async function runAll(session: Session, samples: readonly Tensors[]): Promise<Tensors[]> {
  const outputs: Tensors[] = [];
  for (const feeds of samples) outputs.push(await session.run(feeds));
  return outputs;
}
