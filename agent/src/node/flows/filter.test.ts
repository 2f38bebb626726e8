import type { Prediction } from '@flotilla/model';
import { describe, expect, test } from 'vitest';
import { createFilter } from './filter.ts';

const classified = (label: string, confidence: number): Prediction => ({
  ...{ kind: 'classification', index: 0, label, confidence, top: [] },
  probabilities: new Float32Array(),
});
const detected = (...found: readonly (readonly [string, number])[]): Prediction => ({
  ...{ kind: 'detection', classes: 3, image: undefined },
  detections: found.map(([label, confidence]) => ({
    ...{ index: 0, label, confidence, box: { left: 0, top: 0, right: 1, bottom: 1 } },
  })),
});
const anomaly = (anomalous: boolean): Prediction => ({
  ...{ kind: 'anomaly', score: 1, threshold: 2, anomalous, contributions: [] },
});
const raw: Prediction = { kind: 'raw', tensors: {} };

describe('a filter', () => {
  test('lets everything through where nothing is asked', () => {
    const filter = createFilter();
    for (const one of [classified('a', 0), detected(), anomaly(false), raw]) {
      expect(filter([one], 0)).toEqual([one]);
    }
  });

  test('asks for confidence and labels, of detections box by box', () => {
    const filter = createFilter({ minConfidence: 0.5, labels: ['cat', 'anomalous'] });
    expect(filter([classified('cat', 0.5)], 0)).toHaveLength(1);
    expect(filter([classified('cat', 0.4)], 0)).toEqual([]);
    expect(filter([classified('dog', 0.9)], 0)).toEqual([]);
    expect(filter([detected(['dog', 0.9], ['cat', 0.7], ['cat', 0.2])], 0)).toEqual([
      detected(['cat', 0.7]),
    ]);
    expect(filter([detected(['dog', 0.9])], 0)).toEqual([]);
    expect(filter([anomaly(true)], 0)).toHaveLength(1);
    expect(filter([anomaly(false)], 0)).toEqual([]);
    expect(filter([raw], 0)).toEqual([raw]);
  });

  test('keeps a distance between results that are sent on', () => {
    const filter = createFilter({ every: '1s', minConfidence: 0.5 });
    const sent = [0, 400, 1000, 1900, 2000].map((at) => filter([classified('a', 1)], at).length);
    expect(sent).toEqual([1, 0, 1, 0, 1]);
    expect(filter([classified('a', 0)], 5000)).toEqual([]);
    expect(filter([classified('a', 1)], 5001)).toHaveLength(1);
  });

  test('sends changes only', () => {
    const filter = createFilter({ changes: true });
    const labels = ['a', 'a', 'b', 'b', 'a'];
    expect(labels.map((label) => filter([classified(label, 1)], 0).length)).toEqual([
      1, 0, 1, 0, 1,
    ]);
    const boxes = createFilter({ changes: true });
    expect(boxes([detected(['x', 1], ['y', 1])], 0)).toHaveLength(1);
    expect(boxes([detected(['y', 1], ['x', 1])], 0)).toEqual([]);
    expect(boxes([detected(['y', 1])], 0)).toHaveLength(1);
  });
});
