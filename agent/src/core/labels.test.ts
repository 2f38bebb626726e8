import type { Prediction } from '@flotilla/model';
import { describe, expect, test } from 'vitest';
import { createLabels } from './labels.ts';
import type { Inference } from './serving/loaded-model.ts';
import type { Installed } from './state.ts';

const CLASSES = ['bent', 'good', 'scratch'];

const installed = (version: number): Installed => ({
  deployment: `d${version}`,
  attempt: 1,
  digest: '',
  model: 'parts',
  version,
  precision: '',
});
const champion = installed(1);
const candidate = installed(2);

const inference = (of: Installed, ...indices: number[]): Inference => ({
  installed: of,
  outputs: {},
  predictions: indices.map(
    (index): Prediction => ({
      kind: 'classification',
      index,
      label: '',
      confidence: 1,
      top: [],
      probabilities: new Float32Array(3),
    }),
  ),
  features: {},
  latencyUs: 1,
  runMs: 1,
});

/** Counts by version. */
function bed(classesOf: Readonly<Record<number, readonly string[]>> = { 1: CLASSES, 2: CLASSES }) {
  const told: [version: number, labels: number, correct: number][] = [];
  const labels = createLabels({
    labelsOf: ({ version }) => ({
      classes: classesOf[version],
      count: (more, correct) => void told.push([version, more, correct]),
    }),
  });
  return { told, labels };
}

describe('labels', () => {
  test('count by name or index, once each', () => {
    const { told, labels } = bed();
    labels.remember('parts', 'a', inference(champion, 2));
    labels.remember('parts', 'b', inference(champion, 1));
    expect(labels.label('parts', 'a', 'scratch')).toEqual({
      labeled: 1,
      correct: 1,
      counted: true,
    });
    expect(labels.label('parts', 'b', 0)).toEqual({ labeled: 1, correct: 0, counted: true });
    expect(labels.label('parts', 'a', 2)).toEqual({ labeled: 1, correct: 1, counted: false });
    expect(told).toEqual([
      [1, 1, 1],
      [1, 1, 0],
    ]);
    expect(() => labels.label('parts', 'a', 'good')).toThrow('labeled scratch before');
  });

  test('take one for each sample of an inference', () => {
    const { told, labels } = bed();
    labels.remember('parts', 'a', inference(champion, 0, 1, 2));
    expect(() => labels.label('parts', 'a', ['bent'])).toThrow('1 for an inference on 3');
    labels.label('parts', 'a', ['bent', 'bent', 'scratch']);
    expect(told).toEqual([[1, 3, 2]]);
  });

  test.each([
    ['scrach', 'it has the classes bent, good, scratch, and not "scrach"'],
    [3, 'and not 3'],
    [-1, 'and not -1'],
    [0.5, 'and not 0.5'],
  ])('refuse %o, which is no class', (truth, reason) => {
    const { told, labels } = bed();
    labels.remember('parts', 'a', inference(champion, 0));
    expect(() => labels.label('parts', 'a', truth)).toThrow(reason);
    expect(told).toEqual([]);
  });

  test('of a model whose classes have no names are indices', () => {
    const { told, labels } = bed({});
    labels.remember('parts', 'a', inference(champion, 0));
    expect(() => labels.label('parts', 'a', 'bent')).toThrow('it has classes 0 to 2');
    labels.label('parts', 'a', 0);
    expect(told).toEqual([[1, 1, 1]]);
  });

  test('are found for the last 2048 of each slot, and for no other inference', () => {
    const { labels } = bed();
    for (let i = 0; i <= 2048; i++) labels.remember('parts', `${i}`, inference(champion, 0));
    labels.remember('faces', '0', inference(champion, 0));
    for (const [slot, id] of [
      ['parts', '0'],
      ['parts', 'x'],
      ['none', '1'],
    ] as const) {
      expect(() => labels.label(slot, id, 0)).toThrow(`slot ${slot} remembers no inference ${id}`);
    }
    for (const [slot, id] of [
      ['parts', '1'],
      ['faces', '0'],
    ] as const) {
      expect(labels.label(slot, id, 0)).toMatchObject({ counted: true });
    }
    labels.remember('parts', 'raw', { ...inference(champion), predictions: [] });
    expect(() => labels.label('parts', 'raw', 0)).toThrow('remembers no inference');
  });

  test('count for a shadow that ran on the same, whichever came first', () => {
    const { told, labels } = bed();
    const [early, late] = [inference(champion, 0), inference(champion, 0)];
    labels.remember('parts', 'early', early);
    labels.label('parts', 'early', 'good');
    labels.alsoSaid(early, inference(candidate, 1));
    labels.remember('parts', 'late', late);
    labels.alsoSaid(late, inference(candidate, 2));
    labels.label('parts', 'late', 'good');
    labels.alsoSaid(inference(champion, 0), inference(candidate, 0));
    expect(told).toEqual([
      [1, 1, 0],
      [2, 1, 1],
      [1, 1, 0],
      [2, 1, 0],
    ]);
  });

  test('go by name where another version has another order of classes, or lacks one', () => {
    const { told, labels } = bed({ 1: CLASSES, 2: ['good', 'bent'] });
    const [first, second] = [inference(champion, 1), inference(champion, 2)];
    labels.remember('parts', 'a', first);
    labels.alsoSaid(first, inference(candidate, 0));
    labels.label('parts', 'a', 'good');
    labels.remember('parts', 'b', second);
    labels.alsoSaid(second, inference(candidate, 1));
    labels.label('parts', 'b', 'scratch');
    expect(told).toEqual([
      [1, 1, 1],
      [2, 1, 1],
      [1, 1, 1],
      [2, 1, 0],
    ]);
  });
});
