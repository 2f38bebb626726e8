import { expect, test } from 'vitest';
import { predictionOutputs } from './outputs.ts';

const written = (...predictions: Parameters<typeof predictionOutputs>[0]) =>
  predictionOutputs(predictions).map(({ name, datatype, shape, json }) => [
    name,
    datatype,
    shape,
    json(),
  ]);

test('writes the boxes of all samples, and which sample each is in', () => {
  const box = { left: 1, top: 2, right: 3, bottom: 4 };
  const one = { index: 1, label: 'nut', confidence: 0.5, box };
  const detection = { kind: 'detection', classes: 2, image: undefined } as const;
  expect(
    written({ ...detection, detections: [] }, { ...detection, detections: [one, one] }),
  ).toEqual([
    ['class_index', 'INT32', [2], [1, 1]],
    ['confidence', 'FP32', [2], [0.5, 0.5]],
    ['label', 'BYTES', [2], ['nut', 'nut']],
    ['box', 'FP32', [2, 4], [1, 2, 3, 4, 1, 2, 3, 4]],
    ['sample', 'INT32', [2], [1, 1]],
  ]);
});

test('writes values, scores and vectors', () => {
  const values = Float64Array.of(1, 2);
  const anomaly = { kind: 'anomaly', threshold: 1, contributions: [] } as const;
  expect(
    written(
      { kind: 'regression', values, names: ['t', 'p'], units: ['K', 'Pa'] },
      { kind: 'regression', values, names: ['t', 'p'], units: ['K', 'Pa'] },
      { ...anomaly, score: 0.5, anomalous: false },
      { ...anomaly, score: 2, anomalous: true },
      { kind: 'embedding', vector: Float32Array.of(3, 4) },
      { kind: 'raw', tensors: {} },
    ),
  ).toEqual([
    ['value', 'FP64', [2, 2], [1, 2, 1, 2]],
    ['value_name', 'BYTES', [2], ['t', 'p']],
    ['unit', 'BYTES', [2], ['K', 'Pa']],
    ['anomaly_score', 'FP32', [2], [0.5, 2]],
    ['anomalous', 'BOOL', [2], [false, true]],
    ['embedding', 'FP32', [1, 2], [3, 4]],
  ]);
});
