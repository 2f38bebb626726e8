import { buildProfile, type Prediction } from '@flotilla/model';
import { describe, expect, test } from 'vitest';
import type { Inference, LoadedModel } from '../serving/loaded-model.ts';
import { createRecorder } from './recorder.ts';

const observations = Array.from({ length: 400 }, (_, i) => ({
  features: { light: (i % 100) / 100 },
}));

const model = (version: number) =>
  ({
    installed: {
      deployment: `d${version}`,
      attempt: 1,
      digest: 'x',
      model: 'parts',
      version,
      precision: '',
    },
    bundle: {
      profile: buildProfile(observations),
      profileDigest: 'sha256:p',
      spec: { outputs: {} },
    },
  }) as unknown as LoadedModel;

const inference = (index: number, light: number): Inference => {
  const confidence = 0.9;
  const probabilities = Float32Array.of(0.1, 0.9);
  const prediction: Prediction = {
    kind: 'classification',
    index,
    label: '',
    confidence,
    top: [],
    probabilities,
  };
  return {
    installed: model(1).installed,
    outputs: {},
    predictions: [prediction],
    features: { light },
    latencyUs: 1000,
    runMs: 1,
  };
};

function bed(lengthMs = 1000) {
  const time = { nowMs: 10_250 };
  const clock = { now: () => time.nowMs, monotonic: () => 0, sleep: async () => undefined };
  return { time, recorder: createRecorder(clock, () => lengthMs) };
}

const PAIR = { compared: 1, agreed: 1, differing: [], confidenceChanges: [0.1] };
const BOTH = { ...PAIR, activeRunMs: 10, shadowRunMs: 20 };

describe('recorder of shadows', () => {
  test('sums what both said into windows of the shadow, apart from those of the active model', () => {
    const { recorder } = bed();
    const [active, shadow] = [model(1), model(2)];
    recorder.swapped('parts', undefined, active);
    recorder.shadows.swapped('parts', shadow);
    recorder.inferred(active, inference(1, 0.5));
    recorder.shadows.compared(shadow, 'sha256:a', BOTH, inference(1, 0.5));
    const apart = { ...BOTH, agreed: 0, differing: [[1, 0] as const], activeRunMs: 0 };
    recorder.shadows.compared(shadow, 'sha256:a', apart, inference(0, 0.5));
    recorder.shadows.failed(shadow, 'sha256:a');
    recorder.shadows.skipped(shadow, 'sha256:a');
    recorder.closeAll();
    const [first, second] = recorder.take();
    expect(first).toMatchObject({ role: 'ROLE_ACTIVE', deployment: 'd1', inferences: 1 });
    expect(first?.comparison).toBeUndefined();
    expect(second).toMatchObject({
      slot: 'parts',
      role: 'ROLE_SHADOW',
      deployment: 'd2',
      inferences: 3,
      errors: 1,
      classCounts: [1, 1],
      features: [],
      comparison: {
        compared: 2,
        agreed: 1,
        skipped: 1,
        disagreements: [{ active: 1, shadow: 0, count: 1 }],
        activeDigest: 'sha256:a',
        logLatencyRatio: { count: 1, mean: Math.log(2) },
        confidenceChange: { count: 2 },
      },
    });
  });

  test('begins a new window when the slot runs another model, and tells of skips alone', () => {
    const { recorder } = bed();
    const shadow = model(2);
    recorder.shadows.swapped('parts', shadow);
    recorder.shadows.skipped(shadow, 'sha256:a');
    recorder.shadows.compared(shadow, 'sha256:b', BOTH, inference(1, 0.5));
    recorder.shadows.swapped('parts', undefined);
    expect(recorder.take()).toMatchObject([
      { inferences: 0, comparison: { activeDigest: 'sha256:a', skipped: 1, compared: 0 } },
      { inferences: 1, comparison: { activeDigest: 'sha256:b', skipped: 0, compared: 1 } },
    ]);
  });

  test('tells the 256 most frequent of pairs of classes', () => {
    const { recorder } = bed();
    const shadow = model(2);
    recorder.shadows.swapped('parts', shadow);
    for (let index = 1; index <= 300; index++) {
      const differing = Array.from({ length: index }, () => [index, 0] as const);
      recorder.shadows.compared(shadow, 'a', { ...BOTH, differing }, inference(1, 0.5));
    }
    recorder.closeAll();
    const { disagreements = [] } = recorder.take()[0]?.comparison ?? {};
    expect(disagreements).toHaveLength(256);
    expect(disagreements[0]).toEqual({ active: 300, shadow: 0, count: 300 });
    expect(disagreements.at(-1)).toEqual({ active: 45, shadow: 0, count: 45 });
  });

  test('tells no pair with a class beyond those that a window counts', () => {
    const { recorder } = bed();
    const shadow = model(2);
    recorder.shadows.swapped('parts', shadow);
    const differing = [[4095, 0] as const, [4096, 0] as const, [0, 21_000] as const];
    recorder.shadows.compared(shadow, 'a', { ...BOTH, agreed: 0, differing }, inference(1, 0.5));
    recorder.closeAll();
    expect(recorder.take()[0]?.comparison?.disagreements).toEqual([
      { active: 4095, shadow: 0, count: 1 },
    ]);
  });
});

describe('labels', () => {
  test('count for the deployment that made the prediction, also once it serves no more', () => {
    const { time, recorder } = bed();
    const [old, next] = [model(1), model(2)];
    recorder.swapped('parts', undefined, old);
    recorder.inferred(old, inference(1, 0.5));
    recorder.labelsOf(old.installed)?.count(1, 1);
    recorder.swapped('parts', old, next);
    expect(recorder.take()).toMatchObject([
      { deployment: 'd1', inferences: 1, labeled: 1, correct: 1 },
    ]);
    time.nowMs = 20_000;
    recorder.labelsOf(old.installed)?.count(2, 1);
    recorder.closeAll();
    expect(recorder.take()).toMatchObject([
      { deployment: 'd1', startMs: 20_000, inferences: 0, labeled: 2, correct: 1, features: [] },
    ]);
    expect(recorder.labelsOf(model(3).installed)).toBeUndefined();
  });
});

describe('recorder', () => {
  test('begins windows on multiples of their length and counts what happened in each', () => {
    const { time, recorder } = bed();
    const parts = model(1);
    recorder.swapped('parts', undefined, parts);
    recorder.inferred(parts, inference(1, 0.5));
    recorder.inferred(parts, inference(0, 0.5));
    recorder.failed(parts);
    expect(recorder.take()).toEqual([]);
    expect(recorder.untilBoundary()).toBe(750);
    time.nowMs = 11_000;
    const [first] = recorder.take();
    expect(first).toMatchObject({
      slot: 'parts',
      deployment: 'd1',
      startMs: 10_000,
      lengthMs: 1000,
      inferences: 3,
      errors: 1,
      classCounts: [1, 1],
      profileDigest: 'sha256:p',
      role: 'ROLE_ACTIVE',
    });
    expect(first?.confidence).toMatchObject({ count: 2 });
    expect(first?.features?.[0]?.counts?.reduce((a, b) => a + b, 0)).toBe(2);
    time.nowMs = 11_900;
    recorder.inferred(parts, inference(1, 0.5));
    time.nowMs = 14_100;
    recorder.inferred(parts, inference(1, 0.5));
    expect(recorder.take()).toMatchObject([{ startMs: 11_000, inferences: 1 }]);
    recorder.closeAll();
    expect(recorder.take()).toMatchObject([{ startMs: 14_000 }]);
  });

  test('counts the classes of all boxes, and one confidence for each image that has any', () => {
    const { recorder } = bed();
    const parts = model(1);
    recorder.swapped('parts', undefined, parts);
    const box = { left: 0, top: 0, right: 1, bottom: 1 };
    const found = (...confidences: number[]): Prediction => ({
      kind: 'detection',
      detections: confidences.map((confidence) => ({ index: 2, label: '', confidence, box })),
      classes: 4,
      image: undefined,
    });
    for (const prediction of [found(0.75, 0.25), found(), found(0.5)]) {
      recorder.inferred(parts, { ...inference(0, 0.5), predictions: [prediction] });
    }
    recorder.closeAll();
    const [window] = recorder.take();
    expect(window).toMatchObject({ inferences: 3, classCounts: [0, 0, 3, 0] });
    expect(window?.confidence).toMatchObject({ count: 2, mean: 0.5 });
  });

  test('judges predictions by features of theirs, and counts a sample once', () => {
    const { recorder } = bed();
    const seen = observations.map(({ features }) => ({
      features: { ...features, 'prediction.anomaly': features.light },
    }));
    const { bundle, ...rest } = model(1);
    const parts = { ...rest, bundle: { ...bundle, profile: buildProfile(seen) } } as LoadedModel;
    recorder.swapped('parts', undefined, parts);
    const anomaly = { kind: 'anomaly', threshold: 1, anomalous: false, contributions: [] } as const;
    const { predictions } = inference(0, 0.5);
    recorder.inferred(parts, {
      ...inference(0, 0.5),
      predictions: [...predictions, { ...anomaly, score: 0.25 }],
    });
    recorder.closeAll();
    const [window] = recorder.take();
    expect(window).toMatchObject({ inferences: 1, classCounts: [1, 0] });
    const feature = window?.features?.find(({ name }) => name === 'prediction.anomaly');
    expect(feature?.moments).toMatchObject({ count: 1, mean: 0.25 });
  });

  test('closes a window at a swap, and names one deployment in each', () => {
    const { recorder } = bed();
    const [one, two] = [model(1), model(2)];
    recorder.swapped('parts', undefined, one);
    recorder.inferred(one, inference(1, 0.5));
    recorder.swapped('parts', one, two);
    recorder.inferred(two, inference(1, 0.5));
    recorder.swapped('parts', two, undefined);
    expect(recorder.take()).toMatchObject([
      { deployment: 'd1', startMs: 10_000, inferences: 1 },
      { deployment: 'd2', startMs: 10_000, inferences: 1 },
    ]);
  });

  test('counts what ends after a swap for the model that it ran on', () => {
    const { recorder } = bed();
    const [one, two] = [model(1), model(2)];
    recorder.swapped('parts', undefined, one);
    recorder.swapped('parts', one, two);
    recorder.inferred(one, inference(1, 0.5));
    recorder.inferred(two, inference(1, 0.5));
    recorder.closeAll();
    expect(recorder.take()).toMatchObject([
      { deployment: 'd1', inferences: 1 },
      { deployment: 'd2', inferences: 1 },
    ]);
  });

  test('sends no window in which nothing happened', () => {
    const { time, recorder } = bed();
    recorder.swapped('parts', undefined, model(1));
    time.nowMs += 5000;
    recorder.closeAll();
    expect(recorder.take()).toEqual([]);
  });

  test.each([-365 * 86_400_000, 365 * 86_400_000])(
    'ends the window once when the clock jumps by %d ms, and counts all in one of two',
    (jump) => {
      const { time, recorder } = bed();
      time.nowMs += 400 * 86_400_000;
      const parts = model(1);
      recorder.swapped('parts', undefined, parts);
      recorder.inferred(parts, inference(0, 0.5));
      const before = Math.floor(time.nowMs / 1000) * 1000;
      time.nowMs += jump;
      expect(recorder.take()).toMatchObject([{ startMs: before, inferences: 1 }]);
      expect(recorder.untilBoundary()).toBeGreaterThan(0);
      expect(recorder.untilBoundary()).toBeLessThanOrEqual(1000);
      recorder.inferred(parts, inference(0, 0.5));
      recorder.inferred(parts, inference(0, 0.5));
      time.nowMs += 1000;
      expect(recorder.take()).toMatchObject([{ startMs: before + jump, inferences: 2 }]);
      expect(recorder.take()).toEqual([]);
    },
  );

  test('says when inputs drift from the reference', () => {
    const { time, recorder } = bed();
    const parts = model(1);
    recorder.swapped('parts', undefined, parts);
    for (let window = 0; window < 3; window++) {
      for (let i = 0; i < 100; i++) recorder.inferred(parts, inference(1, 0.02));
      time.nowMs += 1000;
    }
    const windows = recorder.take();
    recorder.closeAll();
    const verdicts = [...windows, ...recorder.take()].flatMap(({ drift }) => drift ?? []);
    expect(verdicts.at(-1)).toMatchObject({ name: 'light', drifted: true });
    expect(recorder.drifting()).toEqual({ parts: ['light'] });
  });
});
