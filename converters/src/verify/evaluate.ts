import {
  type ClassificationPrediction,
  decibels,
  type ModelData,
  numbersOf,
  type Observation,
  type PairedQuality,
  type Pipeline,
  pairs,
  predictionFeatures,
  type Session,
  type Tensors,
} from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import type { SampleSet } from '../data/samples.ts';
import type { SliceAccuracy } from '../result.ts';
import { compareOutputNoise } from './output-noise.ts';
import { pairsWithSlices } from './pairs.ts';
import { runSamples, type SampleRunner } from './run-samples.ts';

/** How a model answers beside fp32 on the same samples. */
export interface Judgement {
  readonly quality: PairedQuality & { readonly slices: readonly SliceAccuracy[] };
  /**
   * How far the outputs are from fp32's, ≥ 0: mean KL divergence in nats of a classifier, else noise
   * over signal in the worst part of the outputs. Net loss on few samples is mostly chance; this
   * moves steadily, so settings are compared by it.
   */
  readonly divergence: number;
  /** Signal to noise of the outputs (of a classifier, of its scores), dB from −150 to 150. */
  readonly db: number;
  readonly bySample: SampleNoise;
  readonly observations: readonly Observation[];
}

/** Two numbers for each sample: what the means are of, to tell a difference from chance. */
export interface SampleNoise {
  /** As `divergence` of a judgement. */
  readonly divergence: readonly number[];
  /** Noise over the usual signal of a sample, as `db` of a judgement tells of all. */
  readonly noise: readonly number[];
}

type OnSample = (done: number) => void;

/** Compares models with one fp32 model on one set of samples; fp32 runs once where its answers fit. */
export interface Judge {
  readonly samples: SampleSet;
  /** 0 where the model does not classify. */
  readonly classes: number;
  judge(model: ModelData, onSample?: OnSample): Promise<Judgement>;
}

export interface JudgeInput {
  /** fp32: what runs, and a session of it that stays open. */
  readonly model: ModelData;
  readonly session: Session;
  readonly pipeline: Pipeline;
  readonly samples: SampleSet;
  readonly runner: SampleRunner;
  readonly onSample?: OnSample;
}

/** What a classifier said of each sample. */
interface Evaluation {
  readonly predictions: readonly ClassificationPrediction[];
  /** As the model gives them, before they become probabilities. */
  readonly scores: readonly (Float32Array | Float64Array)[];
  readonly observations: readonly Observation[];
}

const MAX_DB = 150;
/** The class of a sample that a model answers with NaN: no class, so that it agrees with none. */
const NO_CLASS = -1;
/** Outputs of fp32 that are kept; the rest is computed again for each model. */
const KEPT_BYTES = 128 * 2 ** 20;

export async function openJudge(input: JudgeInput): Promise<Judge> {
  const { session, pipeline, samples, model, onSample } = input;
  if (pipeline.spec.outputs.classification === undefined) {
    const outputs = keptOutputs(session);
    const judge: Judge['judge'] = (variant, done) => judgeOutputs(input, outputs, variant, done);
    return { samples, classes: 0, judge };
  }
  const fp32 = await evaluate(input, model, onSample);
  checkAnswers(fp32, samples);
  return {
    samples,
    classes: fp32.predictions[0]?.probabilities.length ?? 0,
    async judge(variant, done) {
      const own = await evaluate(input, variant, done);
      const { metric } = pipeline.spec.evaluation;
      const quality = pairsWithSlices(fp32.predictions, own.predictions, samples.items, metric);
      const { observations } = own;
      const divergence = fp32.predictions.map((expected, i) => klOf(expected, own.predictions[i]));
      const { db, noise } = scoreNoise(fp32, own);
      const bySample = { divergence, noise };
      return { quality, divergence: quality.kl, db, bySample, observations };
    },
  };
}

/** Runs a model on every sample and keeps what it predicts. */
async function evaluate(
  { pipeline, samples, runner }: JudgeInput,
  model: ModelData,
  onSample?: OnSample,
): Promise<Evaluation> {
  const predictions: ClassificationPrediction[] = [];
  const scores: (Float32Array | Float64Array)[] = [];
  const observations: Observation[] = [];
  const tensor = pipeline.spec.outputs.classification?.tensor ?? '';
  for await (const { sample, outputs } of runSamples(runner, model, samples)) {
    const answers = pipeline.postprocess(outputs, sample);
    const [prediction] = answers;
    if (prediction?.kind !== 'classification') continue;
    const features = { ...sample.features, ...predictionFeatures(answers) };
    const { index: classIndex, confidence } = prediction;
    const answered = Number.isFinite(confidence);
    predictions.push(answered ? prediction : { ...prediction, index: NO_CLASS });
    scores.push(outputs[tensor] ? numbersOf(outputs[tensor]) : new Float32Array());
    observations.push(answered ? { features, classIndex, confidence } : { features });
    onSample?.(predictions.length);
  }
  return { predictions, scores, observations };
}

/** @throws FlotillaError `data.invalid` naming the sample that fp32 itself has no answer to */
function checkAnswers({ predictions }: Evaluation, { items }: SampleSet): void {
  const silent = predictions.findIndex(({ index }) => index === NO_CLASS);
  if (silent < 0) return;
  const file = items[silent]?.where ?? '';
  const reason = "the model's output for it is not a number; repair or remove it";
  throw new FlotillaError('data.invalid', { file, reason });
}

function klOf(
  expected: ClassificationPrediction,
  actual: ClassificationPrediction | undefined,
): number {
  return pairs([expected], actual ? [actual] : []).kl;
}

function scoreNoise(
  fp32: Evaluation,
  variant: Evaluation,
): { readonly db: number; readonly noise: readonly number[] } {
  let signal = 0;
  const noises = fp32.scores.map((scores, i) => {
    const other = variant.scores[i];
    let noise = 0;
    for (let j = 0; j < scores.length; j++) {
      signal += scores[j]! ** 2;
      noise += (scores[j]! - (other?.[j] ?? 0)) ** 2;
    }
    return noise;
  });
  const all = noises.reduce((sum, noise) => sum + noise, 0);
  const db = decibels(signal, all);
  return {
    db: Number.isNaN(db) ? -MAX_DB : Math.min(MAX_DB, Math.max(-MAX_DB, db)),
    noise: noises.map((noise) => (noise * noises.length) / signal),
  };
}

/** Outputs of fp32 by number of the sample. */
type OutputsOf = (sample: number, feeds: Tensors) => Promise<Tensors>;

function keptOutputs(fp32: Session): OutputsOf {
  const kept = new Map<number, Tensors>();
  let free = KEPT_BYTES;
  return async (sample, feeds) => {
    const known = kept.get(sample);
    if (known !== undefined) return known;
    const outputs = await fp32.run(feeds);
    const size = Object.values(outputs).reduce((sum, { data }) => sum + data.byteLength, 0);
    if (size <= free) {
      free -= size;
      kept.set(sample, outputs);
    }
    return outputs;
  };
}

/** Models whose outputs are no classes: a sample is lost where its outputs keep less than 20 dB. */
async function judgeOutputs(
  { samples, runner, pipeline }: JudgeInput,
  fp32: OutputsOf,
  model: ModelData,
  onSample?: OnSample,
): Promise<Judgement> {
  const comparison = compareOutputNoise();
  const observations: Observation[] = [];
  for await (const { sample, outputs } of runSamples(runner, model, samples)) {
    comparison.observe(await fp32(observations.length, sample.tensors), outputs);
    const answers = pipeline.postprocess(outputs, sample);
    observations.push({ features: { ...sample.features, ...predictionFeatures(answers) } });
    onSample?.(observations.length);
  }
  const { agrees, divergence, db, noise } = comparison.result();
  const right = agrees.map(() => RIGHT);
  const answers = agrees.map((agreeing) => (agreeing ? RIGHT : WRONG));
  const quality = { ...pairs(right, answers), kl: 0, slices: [] };
  return { quality, divergence, db, bySample: { divergence: noise, noise }, observations };
}

const RIGHT = answer(0);
const WRONG = answer(1);

function answer(index: number): ClassificationPrediction {
  const probabilities = new Float32Array(2);
  probabilities[index] = 1;
  return { kind: 'classification', index, label: '', confidence: 1, top: [], probabilities };
}
