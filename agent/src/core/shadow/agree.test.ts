import type { Detection, Prediction } from '@flotilla/model';
import { describe, expect, test } from 'vitest';
import { agreement } from './agree.ts';

const classified = (index: number, confidence = 0.9): Prediction => ({
  kind: 'classification',
  index,
  label: '',
  confidence,
  top: [],
  probabilities: Float32Array.of(),
});

const box = (index: number, left: number, confidence = 0.8): Detection => ({
  index,
  label: '',
  confidence,
  box: { left, top: 0, right: left + 10, bottom: 10 },
});
const detected = (...detections: Detection[]): Prediction => ({
  kind: 'detection',
  detections,
  classes: 9,
  image: undefined,
});
const regressed = (...values: number[]): Prediction => ({
  kind: 'regression',
  values: Float64Array.from(values),
  names: undefined,
  units: undefined,
});
const anomaly = (anomalous: boolean): Prediction => ({
  kind: 'anomaly',
  score: 1,
  threshold: 1,
  anomalous,
  contributions: [],
});
const embedded = (...vector: number[]): Prediction => ({
  kind: 'embedding',
  vector: Float32Array.from(vector),
});
const raw = (...data: number[]): Prediction => ({
  kind: 'raw',
  tensors: { y: { type: 'FP32', shape: [data.length], data: Float32Array.from(data) } },
});

describe('agreement', () => {
  test('of classifications counts samples, names classes that differ, and tells confidence', () => {
    const active = [classified(1, 0.9), classified(2, 0.5), classified(3)];
    const shadow = [classified(1, 0.8), classified(4, 0.75), classified(3)];
    const { confidenceChanges, ...rest } = agreement(active, shadow);
    expect(rest).toEqual({ compared: 3, agreed: 2, differing: [[2, 4]] });
    expect(confidenceChanges.map((change) => Number(change.toFixed(6)))).toEqual([-0.1, 0.25, 0]);
  });

  test.each<[string, Prediction, Prediction, boolean]>([
    ['boxes that overlap by half, of one class', detected(box(1, 0)), detected(box(1, 3)), true],
    ['boxes that overlap by less', detected(box(1, 0)), detected(box(1, 4)), false],
    ['a box too many', detected(box(1, 0)), detected(box(1, 0), box(1, 50)), false],
    ['a box too few', detected(box(1, 0), box(1, 50)), detected(box(1, 0)), false],
    [
      'boxes in another order',
      detected(box(1, 0), box(2, 50)),
      detected(box(2, 50), box(1, 0)),
      true,
    ],
    ['no boxes at all', detected(), detected(), true],
    ['numbers within a twentieth', regressed(100, 0), regressed(104, 0), true],
    ['numbers beyond', regressed(100), regressed(106), false],
    ['a number that is none', regressed(100), regressed(Number.NaN), false],
    ['the same decision', anomaly(true), anomaly(true), true],
    ['another decision', anomaly(true), anomaly(false), false],
    ['directions that are close', embedded(1, 0), embedded(2, 0.1), true],
    ['directions that are not', embedded(1, 0), embedded(1, 1), false],
    ['raw outputs that are close', raw(1, 2), raw(1.01, 2), true],
    ['raw outputs of another shape', raw(1, 2), raw(1), false],
    ['another kind of output', classified(1), anomaly(true), false],
  ])('is judged on %s', (_what, active, shadow, agrees) => {
    expect(agreement([active], [shadow])).toMatchObject({ compared: 1, agreed: Number(agrees) });
  });

  test('pairs each box with the one that overlaps it most, and names the classes of a pair', () => {
    const { differing } = agreement(
      [detected(box(1, 0), box(2, 4))],
      [detected(box(5, 4), box(1, 1))],
    );
    expect(differing).toEqual([[2, 5]]);
  });

  test('of a sample with several kinds of output means all of them', () => {
    const active = [classified(1), classified(2), anomaly(true), anomaly(true)];
    const shadow = [classified(1), classified(2), anomaly(true), anomaly(false)];
    expect(agreement(active, shadow)).toMatchObject({ compared: 2, agreed: 1 });
    expect(agreement(active, shadow.slice(0, 2))).toMatchObject({ compared: 2, agreed: 0 });
  });

  test('tells one change of confidence a sample, whatever kinds of output it has', () => {
    const both = (confidence: number) => [
      classified(1, confidence),
      detected(box(1, 0, 1 - confidence)),
    ];
    const { compared, confidenceChanges } = agreement(both(0.5), both(0.75));
    expect({ compared, confidenceChanges }).toEqual({ compared: 1, confidenceChanges: [0.25] });
  });
});
