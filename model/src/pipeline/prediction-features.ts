import type { Prediction } from './prediction.ts';
import { meanOf } from './statistics.ts';

/** Values of a regression that drift is judged by; further ones would only swell telemetry. */
const MAX_WATCHED = 16;

/** Kinds that have no numbers here, which most models give alone. */
const UNWATCHED: ReadonlySet<Prediction['kind']> = new Set(['classification', 'embedding', 'raw']);

/**
 * Numbers about predictions that drift is judged by like those of inputs: `prediction.anomaly` (the
 * score), `prediction.boxes` (how many were found) and `prediction.NAME` of each value of a
 * regression. Means over a batch. Classes and their confidence are counted by themselves.
 */
export function predictionFeatures(predictions: readonly Prediction[]): Record<string, number> {
  if (predictions.every(({ kind }) => UNWATCHED.has(kind))) return {};
  const of = (kind: Prediction['kind']) =>
    meanOf(predictions.filter((one) => one.kind === kind).map(featuresOf));
  return { ...of('detection'), ...of('regression'), ...of('anomaly') };
}

function featuresOf(prediction: Prediction): Record<string, number> {
  switch (prediction.kind) {
    case 'anomaly':
      return { 'prediction.anomaly': prediction.score };
    case 'detection':
      return { 'prediction.boxes': prediction.detections.length };
    case 'regression': {
      const { values, names } = prediction;
      const some = Array.from(values.subarray(0, MAX_WATCHED));
      return Object.fromEntries(some.map((x, i) => [`prediction.${names?.[i] ?? i}`, x]));
    }
    case 'classification':
    case 'embedding':
    case 'raw':
      return {};
  }
}
