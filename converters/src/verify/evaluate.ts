import {
  type ClassificationPrediction,
  compareTensors,
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
import type { SliceAccuracy } from '../request.ts';

/** What a classifier said of each evaluation sample. */
export interface Evaluation {
  readonly predictions: readonly ClassificationPrediction[];
  readonly observations: readonly Observation[];
}

/** Outputs that are no classes agree from this SQNR on: a tenth of the signal's amplitude is noise. */
const AGREEING_DB = 20;
const NO_TOLERANCE = { absolute: 0, relative: 0 };

/** Runs a model on every sample and keeps what it predicts; undefined where it does not classify. */
export async function evaluate(
  session: Session,
  pipeline: Pipeline,
  samples: SampleSet,
  onSample?: (done: number) => void,
): Promise<Evaluation | undefined> {
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

/**
 * Pairs of predictions, of all samples and of each slice.
 *
 * @param metric what the spec asks for; without a label on every sample it is agreement
 */
export function compareEvaluations(
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

/**
 * Compares models whose outputs are no classes: a sample is lost where its outputs keep less than
 * 20 dB. Both run side by side, so that no outputs pile up.
 */
export async function compareOutputs(
  fp32: Session,
  variant: Session,
  samples: SampleSet,
  onSample?: (done: number) => void,
): Promise<{ quality: PairedQuality; observations: Observation[] }> {
  const right: ClassificationPrediction[] = [];
  const answers: ClassificationPrediction[] = [];
  const observations: Observation[] = [];
  for await (const { tensors, features } of samples) {
    const agrees = await outputsAgree(fp32, variant, tensors);
    right.push(RIGHT);
    answers.push(agrees ? RIGHT : WRONG);
    observations.push({ features });
    onSample?.(right.length);
  }
  return { quality: { ...pairs(right, answers), kl: 0 }, observations };
}

async function outputsAgree(fp32: Session, variant: Session, feeds: Tensors): Promise<boolean> {
  const expected = await fp32.run(feeds);
  const { sqnrDb } = compareTensors(expected, await variant.run(feeds), NO_TOLERANCE);
  return sqnrDb >= AGREEING_DB;
}

const RIGHT = answer(0);
const WRONG = answer(1);

function answer(index: number): ClassificationPrediction {
  const probabilities = new Float32Array(2);
  probabilities[index] = 1;
  return { kind: 'classification', index, label: '', confidence: 1, top: [], probabilities };
}
