import { expect, test } from 'vitest';
import type { Prediction } from './prediction.ts';
import { predictionFeatures } from './prediction-features.ts';

const anomaly = { kind: 'anomaly', threshold: 1, anomalous: false, contributions: [] } as const;
const regression = { kind: 'regression', units: undefined } as const;

test('tells the means over a batch, and nothing of classes', () => {
  const predictions: Prediction[] = [
    { kind: 'raw', tensors: {} },
    { ...anomaly, score: 1 },
    { ...anomaly, score: 3 },
    { ...regression, values: Float64Array.of(5, 6), names: ['t', 'p'] },
    { kind: 'detection', detections: [], classes: 1, image: undefined },
  ];
  expect(predictionFeatures(predictions)).toEqual({
    'prediction.anomaly': 2,
    'prediction.t': 5,
    'prediction.p': 6,
    'prediction.boxes': 0,
  });
});

test('tells of few values of many', () => {
  const values = new Float64Array(1000);
  const features = predictionFeatures([{ ...regression, values, names: undefined }]);
  expect(Object.keys(features)).toHaveLength(16);
  expect(features['prediction.0']).toBe(0);
});
