import { describe, expect, it } from 'vitest';
import { parseSpec } from '../spec/parse.ts';
import type { Tensor } from '../tensor.ts';
import { createPipeline } from './pipeline.ts';
import type { Prediction } from './prediction.ts';

function fp32(shape: readonly number[], ...data: number[]): Tensor {
  return { type: 'FP32', shape, data: Float32Array.from(data) };
}

const FEATURES = 'features: {columns: [{name: t}, {name: mode, categories: [a, b]}]}';

function read(
  outputs: string,
  tensors: Readonly<Record<string, Tensor>>,
  x = fp32([1], 0),
  input = 'raw: {}',
): Prediction[] {
  const text = `schema: 1\nname: m\ninputs: {x: {${input}}}\noutputs: {${outputs}}`;
  const pipeline = createPipeline(parseSpec(text, 'm.yaml'), {
    labels: undefined,
    inputs: [{ name: 'x', type: 'FP32', shape: x.shape }],
    decoder: { decode: () => Promise.reject(new Error('there are no images')) },
  });
  return pipeline.postprocess(tensors, { tensors: { x }, placements: [] });
}

describe('regression', () => {
  it('gives values in their units', () => {
    const y = fp32([2, 2], 1, 2, -1, 0);
    const spec =
      'regression: {tensor: y, names: [t, p], mean: [20, 1000], std: [5, 10], unit: [°C, hPa]}';
    expect(read(spec, { y })).toEqual([
      {
        kind: 'regression',
        values: Float64Array.of(25, 1020),
        names: ['t', 'p'],
        units: ['°C', 'hPa'],
      },
      {
        kind: 'regression',
        values: Float64Array.of(15, 1000),
        names: ['t', 'p'],
        units: ['°C', 'hPa'],
      },
    ]);
  });

  it('scales any number of values alike, and refuses another number than the spec names', () => {
    const y = fp32([1, 3], 1, 2, 3);
    const [prediction] = read('regression: {tensor: y, std: 2, unit: m}', { y });
    expect(prediction).toMatchObject({ values: Float64Array.of(2, 4, 6), units: ['m', 'm', 'm'] });
    expect(() => read('regression: {tensor: y, names: [a, b]}', { y })).toThrow('3 values');
    expect(() => read('regression: {tensor: y, mean: [1, 2]}', { y })).toThrow('tells of 2');
  });
});

describe('anomaly', () => {
  it.each([
    ['above', [false, true]],
    ['below', [true, false]],
  ])('is a score %s the threshold', (side, expected) => {
    const spec = `anomaly: {tensor: y, threshold: 0.5, anomalousWhen: ${side}}`;
    for (const shape of [[2], [2, 1]]) {
      const predictions = read(spec, { y: fp32(shape, 0.25, 0.75) });
      expect(predictions.map((p) => p.kind === 'anomaly' && p.score)).toEqual([0.25, 0.75]);
      expect(predictions.map((p) => p.kind === 'anomaly' && p.anomalous)).toEqual(expected);
    }
    expect(read(spec, { y: fp32([1], Number.NaN) })).toMatchObject([{ anomalous: true }]);
    expect(() => read(spec, { y: fp32([1, 2], 1, 1) })).toThrow('is not one score a sample');
  });

  it.each([
    ['mse', 10],
    ['rmse', Math.sqrt(10)],
    ['mae', 8 / 3],
  ])('is the error of a reconstruction: %s', (error, score) => {
    const spec = `anomaly: {reconstruction: y, input: x, error: ${error}, threshold: 1}`;
    const [first, second] = read(
      spec,
      { y: fp32([2, 3], 0, 0, 0, 1, 1, 1) },
      fp32([2, 3], 5, 2, 1, 1, 1, 1),
      FEATURES,
    );
    expect(first).toMatchObject({ anomalous: true, score: expect.closeTo(score, 6) });
    expect(second).toMatchObject({ anomalous: false, score: 0, contributions: [] });
    const shares = error === 'mae' ? [5 / 8, 3 / 8] : [25 / 30, 5 / 30];
    expect(first?.kind === 'anomaly' && first.contributions).toEqual([
      { name: 't', share: expect.closeTo(shares[0]!, 6) },
      { name: 'mode', share: expect.closeTo(shares[1]!, 6) },
    ]);
  });

  it('refuses a reconstruction of another size', () => {
    const spec = 'anomaly: {reconstruction: y, input: x, threshold: 1}';
    expect(() => read(spec, { y: fp32([1, 2], 0, 0) })).toThrow('does not rebuild input x of [1]');
  });
});

describe('embedding', () => {
  it('gives a vector a sample, of length 1 where that is asked for', () => {
    const y = fp32([2, 2], 3, 4, 0, 0);
    expect(read('embedding: {tensor: y}', { y })[0]).toEqual({
      kind: 'embedding',
      vector: Float32Array.of(3, 4),
    });
    expect(read('embedding: {tensor: y, normalize: l2}', { y })).toEqual([
      { kind: 'embedding', vector: Float32Array.of(0.6, 0.8) },
      { kind: 'embedding', vector: Float32Array.of(0, 0) },
    ]);
  });
});

describe('several kinds', () => {
  it('have the labels that they tell of', () => {
    const detection = 'detection: {tensor: d, format: xyxy, labels: [cat]}';
    const tensors = { y: fp32([1, 3], 0, 9, 0), d: fp32([1, 1, 5], 0, 0, 1, 1, 0.9) };
    expect(read(`classification: {tensor: y}, ${detection}`, tensors)).toMatchObject([
      { kind: 'classification', label: '1' },
      { kind: 'detection', detections: [{ label: 'cat' }] },
    ]);
  });

  it('give their predictions one kind after the other', () => {
    const spec = 'anomaly: {tensor: a, threshold: 1}, classification: {tensor: y}, raw: {}';
    const predictions = read(spec, { y: fp32([2, 2], 1, 0, 0, 1), a: fp32([2], 0, 2) });
    expect(predictions.map(({ kind }) => kind)).toEqual([
      'classification',
      'classification',
      'anomaly',
      'anomaly',
    ]);
  });
});
