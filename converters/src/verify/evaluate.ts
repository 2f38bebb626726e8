import {
  type ClassificationPrediction,
  decibels,
  type EvaluationSpec,
  type Observation,
  type PairedQuality,
  type Pipeline,
  pairs,
  type Session,
  type Tensors,
} from '@flotilla/model';
import type { DataItem } from '../data/item.ts';
import type { SampleSet } from '../data/samples.ts';
import type { SliceAccuracy } from '../result.ts';
import { compareOutputNoise } from './output-noise.ts';

/** How a model answers beside fp32 on the same samples. */
export interface Judgement {
  readonly quality: PairedQuality & { readonly slices: readonly SliceAccuracy[] };
  /**
   * How far the outputs are from fp32's, ≥ 0: mean KL divergence in nats of a classifier, else noise
   * over signal in the worst part of the outputs. Net loss on few samples is mostly chance; this
   * moves steadily, so settings are compared by it.
   */
  readonly divergence: number;
  /** Signal to noise of the outputs (of a classifier, of its probabilities), dB from −150 to 150. */
  readonly db: number;
  readonly observations: readonly Observation[];
}

/** Compares models with one fp32 model on one set of samples; fp32 runs once where its answers fit. */
export interface Judge {
  readonly samples: SampleSet;
  /** 0 where the model does not classify. */
  readonly classes: number;
  judge(session: Session, onSample?: (done: number) => void): Promise<Judgement>;
}

/** What a classifier said of each sample. */
interface Evaluation {
  readonly predictions: readonly ClassificationPrediction[];
  readonly observations: readonly Observation[];
}

interface JudgeInput {
  readonly session: Session;
  readonly pipeline: Pipeline;
  readonly samples: SampleSet;
  readonly onSample?: (done: number) => void;
}

const MAX_DB = 150;
/** Outputs of fp32 that are kept; the rest is computed again for each model. */
const KEPT_BYTES = 128 * 2 ** 20;

/** @param session the fp32 model; it must stay open */
export async function openJudge(input: JudgeInput): Promise<Judge> {
  const { session, pipeline, samples } = input;
  const fp32 = await evaluate(input);
  if (fp32 === undefined) {
    const outputs = keptOutputs(session);
    return {
      samples,
      classes: 0,
      judge: (variant, onSample) => judgeOutputs(outputs, variant, samples, onSample),
    };
  }
  return {
    samples,
    classes: fp32.predictions[0]?.probabilities.length ?? 0,
    async judge(variant, onSample) {
      const own = await evaluate({
        session: variant,
        pipeline,
        samples,
        ...(onSample && { onSample }),
      });
      const { metric } = pipeline.spec.evaluation;
      const quality = compareEvaluations(fp32, own ?? fp32, samples.items, metric);
      const { observations, predictions } = own ?? fp32;
      return {
        quality,
        divergence: quality.kl,
        db: probabilityDb(fp32.predictions, predictions),
        observations,
      };
    },
  };
}

/** Runs a model on every sample and keeps what it predicts; undefined where it does not classify. */
async function evaluate(input: JudgeInput): Promise<Evaluation | undefined> {
  const { session, pipeline, samples, onSample } = input;
  if (pipeline.spec.outputs.classification === undefined) return undefined;
  const predictions: ClassificationPrediction[] = [];
  const observations: Observation[] = [];
  for await (const { tensors, features } of samples) {
    const [prediction] = pipeline.postprocess(await session.run(tensors));
    if (prediction?.kind !== 'classification') continue;
    const { index, confidence } = prediction;
    predictions.push(prediction);
    observations.push({ features, classIndex: index, confidence });
    onSample?.(predictions.length);
  }
  return { predictions, observations };
}

function probabilityDb(
  fp32: readonly ClassificationPrediction[],
  variant: readonly ClassificationPrediction[],
): number {
  let signal = 0;
  let noise = 0;
  fp32.forEach(({ probabilities }, i) => {
    const other = variant[i]?.probabilities;
    for (let j = 0; j < probabilities.length; j++) {
      signal += probabilities[j]! ** 2;
      noise += (probabilities[j]! - (other?.[j] ?? 0)) ** 2;
    }
  });
  const db = decibels(signal, noise);
  return Number.isNaN(db) ? -MAX_DB : Math.min(MAX_DB, Math.max(-MAX_DB, db));
}

/**
 * Pairs of predictions, of all samples and of each slice.
 *
 * @param metric what the spec asks for; without a label on every sample it is agreement
 */
function compareEvaluations(
  fp32: Evaluation,
  variant: Evaluation,
  items: readonly DataItem[],
  metric: EvaluationSpec['metric'],
): PairedQuality & { readonly slices: SliceAccuracy[] } {
  const labeled = metric === 'top1' && items.every((item) => item.label !== undefined);
  const compare = (rows: readonly number[]): PairedQuality => {
    const pick = <T>(values: readonly T[]): T[] => rows.map((row) => values[row]!);
    const labels = labeled ? pick(items).map((item) => item.label ?? -1) : undefined;
    return pairs(pick(fp32.predictions), pick(variant.predictions), labels);
  };
  const slices = [...sliceRows(items)].map(([key, rows]) => {
    const [slice = '', value = ''] = key.split('\0');
    return { slice, value, ...compare(rows) };
  });
  return { ...compare([...items.keys()]), slices };
}

function sliceRows(items: readonly DataItem[]): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  items.forEach((item, row) => {
    for (const [slice, value] of Object.entries(item.slices)) {
      const key = `${slice}\0${value}`;
      const known = rows.get(key);
      if (known === undefined) rows.set(key, [row]);
      else known.push(row);
    }
  });
  return new Map([...rows].sort(([a], [b]) => (a < b ? -1 : 1)));
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
  fp32: OutputsOf,
  variant: Session,
  samples: SampleSet,
  onSample?: (done: number) => void,
): Promise<Judgement> {
  const comparison = compareOutputNoise();
  const observations: Observation[] = [];
  for await (const { tensors, features } of samples) {
    const expected = await fp32(observations.length, tensors);
    comparison.observe(expected, await variant.run(tensors));
    observations.push({ features });
    onSample?.(observations.length);
  }
  const { agrees, divergence, db } = comparison.result();
  const right = agrees.map(() => RIGHT);
  const answers = agrees.map((agreeing) => (agreeing ? RIGHT : WRONG));
  const quality = { ...pairs(right, answers), kl: 0, slices: [] };
  return { quality, divergence, db, observations };
}

const RIGHT = answer(0);
const WRONG = answer(1);

function answer(index: number): ClassificationPrediction {
  const probabilities = new Float32Array(2);
  probabilities[index] = 1;
  return { kind: 'classification', index, label: '', confidence: 1, top: [], probabilities };
}
