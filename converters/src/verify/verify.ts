import {
  buildProfile,
  encodeProfile,
  type Golden,
  judge,
  type Observation,
  type Session,
  type Tensors,
} from '@flotilla/model';
import type { DividedData } from '../data/divide.ts';
import type { SampleSet } from '../data/samples.ts';
import type { Model } from '../ir/graph.ts';
import type { Quantized } from '../quantize/quantize.ts';
import type { Accuracy, OnProgress } from '../request.ts';
import type { Source } from '../source.ts';
import { compareEvaluations, compareOutputs, type Evaluation, evaluate } from './evaluate.ts';
import { type LatencyPair, measureLatency } from './latency.ts';
import { type NodeSqnr, nodeSqnr } from './sqnr.ts';
import { countWork, type Work } from './work.ts';

/** What every variant is compared with; made once. */
export interface Reference {
  readonly source: Source;
  /** After the passes: its values bear the names that variants know. */
  readonly model: Model;
  readonly data: DividedData;
  /** Undefined where the model does not classify. */
  readonly evaluation: Evaluation | undefined;
  /** A few evaluation samples, for latency, SQNR and the golden outputs. */
  readonly probes: readonly Tensors[];
  readonly work: Work;
}

export interface Verification {
  readonly accuracy: Accuracy;
  /** On this machine, one thread. */
  readonly latency: LatencyPair;
  readonly sqnr: readonly NodeSqnr[];
  readonly golden: Pick<Golden, 'inputs' | 'outputs'>;
  /** Encoded reference profile for drift. */
  readonly profile: Uint8Array;
}

interface VerifyOptions {
  readonly maxDrop: number;
  readonly latencyRuns: number;
  readonly onSample?: (done: number) => void;
}

const PROBES = 4;
const GOLDEN_SAMPLES = 3;

/** Runs the model as it is on the evaluation samples. */
export async function makeReference(
  source: Source,
  model: Model,
  data: DividedData,
  onProgress: OnProgress,
): Promise<Reference> {
  const { session, pipeline, runtime } = source;
  const total = data.evaluation.items.length;
  const onSample = (done: number) => onProgress({ step: 'read', done, total });
  const evaluation = await evaluate(session, pipeline, data.evaluation, onSample);
  const probes = await probesOf(data.evaluation);
  const work = await countWork(model, probes[0] ?? {}, runtime);
  return { source, model, data, evaluation, probes, work };
}

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
  reference: Reference,
  { maxDrop, latencyRuns, onSample }: VerifyOptions,
): Promise<Verification> {
  const { source, model, probes } = reference;
  const session = await source.runtime.load(variant.bytes);
  try {
    const { accuracy, observations } = await judgeVariant(session, reference, maxDrop, onSample);
    const latency = await measureLatency(source.session, session, probes, latencyRuns);
    const samples = probes.slice(0, GOLDEN_SAMPLES);
    const sqnr = await nodeSqnr(model, variant.model, variant.renamed, samples, source.runtime);
    const classes = reference.evaluation?.predictions[0]?.probabilities.length ?? 0;
    return {
      accuracy,
      latency,
      sqnr,
      golden: { inputs: samples, outputs: await runAll(session, samples) },
      profile: encodeProfile(buildProfile(observations, classes)),
    };
  } finally {
    await session.dispose();
  }
}

async function judgeVariant(
  session: Session,
  { source, data, evaluation }: Reference,
  maxDrop: number,
  onSample?: (done: number) => void,
): Promise<{ accuracy: Accuracy; observations: readonly Observation[] }> {
  const own = await evaluate(session, source.pipeline, data.evaluation, onSample);
  if (evaluation !== undefined && own !== undefined) {
    const { metric } = source.spec.evaluation;
    const quality = compareEvaluations(evaluation, own, data.evaluation.items, metric);
    const accuracy = { ...quality, ...judge(quality, maxDrop) };
    return { accuracy, observations: own.observations };
  }
  const compared = await compareOutputs(source.session, session, data.evaluation, onSample);
  const { observations, quality } = compared;
  return { accuracy: { ...quality, ...judge(quality, maxDrop), slices: [] }, observations };
}

async function runAll(session: Session, samples: readonly Tensors[]): Promise<Tensors[]> {
  const outputs: Tensors[] = [];
  for (const feeds of samples) outputs.push(await session.run(feeds));
  return outputs;
}
