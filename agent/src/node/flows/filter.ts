import type { Prediction } from '@flotilla/model';
import type { FilterConfig } from './schema.ts';
import { milliseconds } from './units.ts';

/** What a filter looks at: the label and confidence of a prediction, where it has them. */
export interface Verdict {
  readonly label: string | undefined;
  readonly confidence: number | undefined;
}

/** The first prediction says it for a batch of one, which is what flows run. */
export function verdictOf(predictions: readonly Prediction[]): Verdict {
  const [first] = predictions;
  switch (first?.kind) {
    case 'classification':
      return { label: first.label, confidence: first.confidence };
    case 'raw':
    case undefined:
      return { label: undefined, confidence: undefined };
  }
}

/**
 * Decides result by result what goes to the sinks. What a model does not tell, such as a confidence
 * of raw outputs, holds nothing back.
 *
 * @returns a function of the verdict and the time in ms since boot
 */
export function createFilter(config: FilterConfig = {}) {
  const { minConfidence = 0, labels, every, changes = false } = config;
  const everyMs = every === undefined ? 0 : milliseconds(every);
  let last: { readonly label: string | undefined; readonly atMs: number } | undefined;
  return ({ label, confidence }: Verdict, nowMs: number): boolean => {
    if (confidence !== undefined && confidence < minConfidence) return false;
    if (labels !== undefined && label !== undefined && !labels.includes(label)) return false;
    if (last !== undefined && nowMs - last.atMs < everyMs) return false;
    if (changes && last !== undefined && last.label === label) return false;
    last = { label, atMs: nowMs };
    return true;
  };
}
