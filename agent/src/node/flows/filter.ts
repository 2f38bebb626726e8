import type { Prediction } from '@flotilla/model';
import type { FilterConfig } from './schema.ts';
import { milliseconds } from './units.ts';

/** A label for anomalies, which have a verdict and no class. */
const ANOMALOUS = 'anomalous';
const NORMAL = 'normal';

/**
 * Decides result by result what goes to the sinks; of detections, the boxes that fit. What a model does
 * not tell, such as a confidence of raw outputs, holds nothing back.
 *
 * @returns what is left of the predictions at a time in ms since boot; none where nothing is sent on
 */
export function createFilter(config: FilterConfig = {}) {
  const { every, changes = false } = config;
  const everyMs = every === undefined ? 0 : milliseconds(every);
  let last: { readonly labels: string; readonly atMs: number } | undefined;
  return (predictions: readonly Prediction[], nowMs: number): readonly Prediction[] => {
    const left = predictions.flatMap((prediction) => fitting(prediction, config));
    const labels = left.map(labelsOf).join('\n');
    if (left.length === 0) return [];
    if (last !== undefined && nowMs - last.atMs < everyMs) return [];
    if (changes && last?.labels === labels) return [];
    last = { labels, atMs: nowMs };
    return left;
  };
}

function fitting(prediction: Prediction, config: FilterConfig): readonly Prediction[] {
  const { minConfidence, labels } = config;
  const fits = ({ label, confidence }: { label: string; confidence?: number }): boolean =>
    !(confidence !== undefined && confidence < (minConfidence ?? 0)) &&
    (labels === undefined || labels.includes(label));
  switch (prediction.kind) {
    case 'classification':
      return fits(prediction) ? [prediction] : [];
    case 'anomaly':
      return fits({ label: labelsOf(prediction) }) ? [prediction] : [];
    case 'detection': {
      if (minConfidence === undefined && labels === undefined) return [prediction];
      const detections = prediction.detections.filter(fits);
      return detections.length > 0 ? [{ ...prediction, detections }] : [];
    }
    case 'regression':
    case 'embedding':
    case 'raw':
      return [prediction];
  }
}

/** What `changes` compares. */
function labelsOf(prediction: Prediction): string {
  switch (prediction.kind) {
    case 'classification':
      return prediction.label;
    case 'anomaly':
      return prediction.anomalous ? ANOMALOUS : NORMAL;
    case 'detection':
      return prediction.detections
        .map(({ label }) => label)
        .sort()
        .join('\n');
    case 'regression':
    case 'embedding':
    case 'raw':
      return '';
  }
}
