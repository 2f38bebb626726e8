import { FlotillaError } from '@flotilla/protocol';
import type { Activation, ClassificationOutput } from '../spec/types.ts';
import type { Tensor, Tensors } from '../tensor.ts';
import { numbersOf } from './numbers.ts';

/** What a model says of one sample. */
export type Prediction = ClassificationPrediction | RawPrediction;

export interface ClassificationPrediction {
  readonly kind: 'classification';
  /** Of the class with the highest probability; the lower index where two are equal. */
  readonly index: number;
  readonly label: string;
  /** Probability of that class. */
  readonly confidence: number;
  /** The five most probable classes, or fewer where the model has fewer. */
  readonly top: readonly ClassScore[];
  /** Of every class, by index. */
  readonly probabilities: Float32Array;
}

export interface ClassScore {
  readonly index: number;
  readonly label: string;
  readonly probability: number;
}

/** The outputs of a run (of the whole batch) as they are. */
export interface RawPrediction {
  readonly kind: 'raw';
  readonly tensors: Tensors;
}

const TOP = 5;

/**
 * Reads class scores [batch, classes, 1…] into one prediction a sample.
 *
 * @throws FlotillaError `spec.mismatch` where the tensor or the labels do not fit
 */
export function classify(
  model: string,
  output: ClassificationOutput,
  labels: readonly string[] | undefined,
  tensor: Tensor,
): ClassificationPrediction[] {
  const batch = tensor.shape.length > 1 ? tensor.shape[0]! : 1;
  const scores = numbersOf(tensor);
  const classes = batch === 0 ? 0 : scores.length / batch;
  const where = `output ${output.tensor}`;
  if (classes < 1) {
    const reason = `has shape [${tensor.shape}], which holds no classes`;
    throw new FlotillaError('spec.mismatch', { model, where, reason });
  }
  if (labels && labels.length !== classes) {
    const reason = `has ${classes} classes but there are ${labels.length} labels`;
    throw new FlotillaError('spec.mismatch', { model, where, reason });
  }
  return Array.from({ length: batch }, (_, i) => {
    const row = scores.subarray(i * classes, (i + 1) * classes);
    return predict(row, activate(row, output.activation), labels);
  });
}

/** No activation changes the order of the scores, so the classes are ordered by those. */
function predict(
  scores: Float32Array | Float64Array,
  probabilities: Float32Array,
  labels: readonly string[] | undefined,
): ClassificationPrediction {
  const top = best(scores).map((index) => ({
    index,
    label: labels?.[index] ?? String(index),
    probability: probabilities[index]!,
  }));
  const { index, label, probability } = top[0]!;
  return { kind: 'classification', index, label, confidence: probability, top, probabilities };
}

/** Indices of the highest values, highest first; NaN counts as lowest. */
function best(values: Float32Array | Float64Array): number[] {
  const top: number[] = [];
  for (let i = 0; i < values.length; i++) {
    let at = top.length;
    while (at > 0 && !(values[top[at - 1]!]! >= values[i]!)) at--;
    if (at < TOP) top.splice(at, 0, i);
    if (top.length > TOP) top.pop();
  }
  return top;
}

function activate(scores: Float32Array | Float64Array, activation: Activation): Float32Array {
  switch (activation) {
    case 'none':
      // A quantized output may leave the range by a step.
      return Float32Array.from(scores, (score) => Math.min(1, Math.max(0, score)));
    case 'sigmoid':
      return Float32Array.from(scores, (score) => 1 / (1 + Math.exp(-score)));
    case 'softmax':
      return softmax(scores);
  }
}

/** Softmax, shifted by the maximum so that no exponential overflows. */
export function softmax(scores: ArrayLike<number>): Float32Array {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) max = Math.max(max, scores[i]!);
  const exponentials = Float64Array.from(scores, (score) => Math.exp(score - max));
  let sum = 0;
  for (const value of exponentials) sum += value;
  return Float32Array.from(exponentials, (value) => value / sum);
}
