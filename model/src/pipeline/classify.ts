import type { Activation, ClassificationOutput } from '../spec/types.ts';
import {
  type OutputReader,
  outputMismatch,
  outputNamed,
  type ReadContext,
  samplesOf,
} from './output-reading.ts';
import type { ClassificationPrediction, ClassScore } from './prediction.ts';

const TOP = 5;

/** Reads class scores [batch, classes, 1…]. */
export function classificationReader(
  output: ClassificationOutput,
  context: ReadContext,
): OutputReader {
  const { tensor: name, activation } = output;
  const { labels } = context;
  return (outputs) => {
    const tensor = outputNamed(context, outputs, name);
    const rows = samplesOf(tensor);
    const classes = rows[0]?.length ?? 0;
    if (classes < 1) {
      throw outputMismatch(context, name, `has shape [${tensor.shape}], which holds no classes`);
    }
    if (labels && labels.length !== classes) {
      const reason = `has ${classes} classes but there are ${labels.length} labels`;
      throw outputMismatch(context, name, reason);
    }
    return rows.map((row) => predict(row, activate(row, activation), labels));
  };
}

/** No activation changes the order of the scores, so the classes are ordered by those. */
function predict(
  scores: Float32Array | Float64Array,
  probabilities: Float32Array,
  labels: readonly string[] | undefined,
): ClassificationPrediction {
  const top: ClassScore[] = [];
  for (const index of best(scores)) {
    const label = labels?.[index] ?? String(index);
    top.push({ index, label, probability: probabilities[index]! });
  }
  const { index, label, probability } = top[0]!;
  return { kind: 'classification', index, label, confidence: probability, top, probabilities };
}

/** Indices of the highest values, highest first; NaN counts as lowest. */
function best(values: Float32Array | Float64Array): number[] {
  const top: number[] = [];
  for (let i = 0; i < values.length; i++) {
    let at = top.length;
    if (at === TOP && values[top[TOP - 1]!]! >= values[i]!) continue;
    while (at > 0 && !(values[top[at - 1]!]! >= values[i]!)) {
      if (at < TOP) top[at] = top[at - 1]!;
      at--;
    }
    if (at < TOP) top[at] = i;
  }
  return top;
}

function activate(scores: Float32Array | Float64Array, activation: Activation): Float32Array {
  switch (activation) {
    case 'none':
      // A quantized output may leave the range by a step.
      return mapped(scores, (score) => Math.min(1, Math.max(0, score)));
    case 'sigmoid':
      return mapped(scores, (score) => 1 / (1 + Math.exp(-score)));
    case 'softmax':
      return softmax(scores);
  }
}

/** By index: the `from` of typed arrays with a function takes ten times as long. */
function mapped(scores: ArrayLike<number>, to: (score: number) => number): Float32Array {
  const values = new Float32Array(scores.length);
  for (let i = 0; i < values.length; i++) values[i] = to(scores[i]!);
  return values;
}

/** Softmax, shifted by the maximum so that no exponential overflows. */
export function softmax(scores: ArrayLike<number>): Float32Array {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) max = Math.max(max, scores[i]!);
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += Math.exp(scores[i]! - max);
  return mapped(scores, (score) => Math.exp(score - max) / sum);
}
