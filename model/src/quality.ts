import { klDivergence } from './drift/distances.ts';
import { mcnemar } from './drift/tests.ts';
import type { ClassificationPrediction, Prediction } from './pipeline/prediction.ts';

/** How a variant answers beside the fp32 model on the same samples. Accuracies are fractions. */
export interface PairedQuality {
  /** top1 with labels; without, agreement with fp32, where each disagreement counts as lost. */
  readonly metric: 'top1' | 'agreement';
  readonly samples: number;
  readonly fp32: number;
  readonly variant: number;
  /** Samples that only fp32 had right, and that only the variant had right. */
  readonly lost: number;
  readonly won: number;
  /** Share of samples where both predict the same class. */
  readonly agreement: number;
  /** Mean Kullback–Leibler divergence of the variant's probabilities from fp32's, in nats. */
  readonly kl: number;
  /** 95 % interval of the net loss (lost − won) / samples. */
  readonly interval: readonly [low: number, high: number];
  /** Exact McNemar p-value of lost against won. */
  readonly pValue: number;
}

/** Begins the sentence on a loss above the budget that may be chance. */
export const BY_INTERVAL = 'passed by interval';

export interface Verdict {
  readonly passed: boolean;
  /** One sentence: by what it passed or failed. */
  readonly judged: string;
}

/** Probabilities are not taken below this, so that one zero does not make the mean infinite. */
const SMALLEST_PROBABILITY = 1e-7;
/** Standard normal quantile of 97.5 %. */
const Z95 = 1.959963984540054;

/**
 * Compares predictions sample by sample.
 *
 * @param labels class index of each sample; left out, the metric is agreement
 */
export function pairs(
  fp32: readonly Prediction[],
  variant: readonly Prediction[],
  labels?: readonly number[],
): PairedQuality {
  const samples = Math.min(fp32.length, variant.length, labels?.length ?? fp32.length);
  let right = 0;
  let variantRight = 0;
  let lost = 0;
  let won = 0;
  let agreed = 0;
  let kl = 0;
  for (let i = 0; i < samples; i++) {
    const a = classified(fp32[i]!);
    const b = classified(variant[i]!);
    const truth = labels ? labels[i]! : a.index;
    const aRight = a.index === truth;
    const bRight = b.index === truth;
    if (aRight) right++;
    if (bRight) variantRight++;
    if (aRight && !bRight) lost++;
    if (bRight && !aRight) won++;
    if (a.index === b.index) agreed++;
    kl += divergence(a.probabilities, b.probabilities);
  }
  const share = (n: number) => (samples === 0 ? 0 : n / samples);
  return {
    metric: labels ? 'top1' : 'agreement',
    samples,
    fp32: share(right),
    variant: share(variantRight),
    lost,
    won,
    agreement: share(agreed),
    kl: share(kl),
    interval: netLossInterval(lost, won, samples),
    pValue: mcnemar(lost, won),
  };
}

/**
 * A variant passes when its net loss is within the budget, or when the budget lies within the
 * interval, that is when the samples cannot tell its loss from an allowed one.
 *
 * @param maxDrop largest net loss, a fraction
 */
export function judge(quality: PairedQuality, maxDrop: number): Verdict {
  const { lost, won, samples, interval } = quality;
  if (samples === 0) return { passed: false, judged: 'failed: there were no samples to judge by' };
  const net = (lost - won) / samples;
  const figures = `net loss ${percent(net)} (${lost} lost, ${won} won of ${samples}), budget ${percent(maxDrop)}`;
  const range = `95 % interval ${percent(interval[0])} to ${percent(interval[1])}`;
  if (net <= maxDrop) return { passed: true, judged: `passed by point estimate: ${figures}` };
  if (interval[0] <= maxDrop) {
    return { passed: true, judged: `${BY_INTERVAL}: ${figures}, within the ${range}` };
  }
  return { passed: false, judged: `failed: ${figures}, below the ${range}` };
}

/**
 * 95 % interval for a difference of paired proportions: Wald with one added to each discordant
 * cell. Bonett and Price, "Adjusted Wald confidence interval for a difference of binomial
 * proportions based on paired data", 2012.
 */
function netLossInterval(lost: number, won: number, samples: number): [number, number] {
  const a = (lost + 1) / (samples + 2);
  const b = (won + 1) / (samples + 2);
  const reach = Z95 * Math.sqrt((a + b - (a - b) ** 2) / (samples + 2));
  return [Math.max(-1, a - b - reach), Math.min(1, a - b + reach)];
}

function classified(prediction: Prediction): ClassificationPrediction {
  if (prediction.kind === 'classification') return prediction;
  throw new TypeError('only classifications are compared in pairs');
}

function divergence(p: Float32Array, q: Float32Array): number {
  return klDivergence(proper(p), proper(q));
}

/** Clamped (NaN to the least) and summing to 1: sigmoid and rounded softmax outputs do not. */
function proper(values: Float32Array): Float64Array {
  const clamped = Float64Array.from(values, (value) => Math.max(value || 0, SMALLEST_PROBABILITY));
  const sum = clamped.reduce((total, value) => total + value, 0);
  return clamped.map((value) => value / sum);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
