import { describe, expect, it } from 'vitest';
import { parseSpec } from '../spec/parse.ts';
import type { Tensor, TensorInfo } from '../tensor.ts';
import { createPipeline } from './pipeline.ts';

function feeder(columns: string, width: number, type: TensorInfo['type'] = 'FP32') {
  const text = `schema: 1\nname: m\ninputs: {x: {features: {columns: [${columns}]}}}\noutputs: {raw: {}}`;
  const pipeline = createPipeline(parseSpec(text, 'm.yaml'), {
    labels: undefined,
    inputs: [{ name: 'x', type, shape: [-1, width] }],
    decoder: { decode: () => Promise.reject(new Error('there are no images')) },
  });
  return async (value: unknown) => {
    const raw = new TextEncoder().encode(JSON.stringify(value));
    const { tensors, features } = await pipeline.preprocess({ x: isTensor(value) ? value : raw });
    return { row: [...(tensors.x?.data ?? [])].map(Number), shape: tensors.x?.shape, features };
  };
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'data' in value;
}

const fp32 = (shape: number[], ...data: number[]): Tensor => ({
  type: 'FP32',
  shape,
  data: Float32Array.from(data),
});

describe('numbers', () => {
  it('are scaled by mean and std, or by min and max, also from text', async () => {
    const feed = feeder('{name: t, mean: 20, std: 5}, {name: p, min: 900, max: 1100}', 2);
    for (const value of [{ p: 1000, t: 30 }, [30, 1000], ['30', ' 1e3 ']]) {
      expect(await feed(value)).toMatchObject({
        row: [2, 0.5],
        features: { 'x.t': 30, 'x.p': 1000 },
      });
    }
    await expect(feed({ t: 'warm', p: 1 })).rejects.toThrow('has no number for t');
    await expect(feed([1, '1e999'])).rejects.toThrow('has no number for p');
    await expect(feed([1, 2, 3])).rejects.toThrow('needs 2 values but has 3');
  });

  it('that are missing are refused, or stand for what the column says', async () => {
    const feed = feeder('{name: a}, {name: b, mean: 1, missing: 3}, {name: c, missing: nan}', 3);
    const { row, features } = await feed({ a: 1, b: null });
    expect(row).toEqual([1, 2, Number.NaN]);
    expect(features).toEqual({ 'x.a': 1, 'x.b': Number.NaN, 'x.c': Number.NaN });
    expect((await feed({ a: 1, b: ' ' })).row).toEqual(row);
    await expect(feed({ b: 1 })).rejects.toThrow('has no number for a');
    const forgiving = feeder('{name: a, missing: 3}', 1);
    for (const value of [null, 7]) {
      await expect(forgiving(value)).rejects.toThrow('needs a JSON object or list');
    }
    const batch = await feed(fp32([2, 3], 1, Number.NaN, Number.NaN, 3, 5, Number.NaN));
    expect(batch.features).toEqual({ 'x.a': 2, 'x.b': 5, 'x.c': Number.NaN });
    expect((await feed(fp32([1, 3], Number.NaN, Number.NaN, 5))).row).toEqual([Number.NaN, 2, 5]);
  });

  it('are rounded to the integers that a model takes', async () => {
    const feed = feeder('{name: a, std: 2}, {name: b}', 2, 'INT8');
    expect((await feed([5, 1000])).row).toEqual([2, 127]);
  });
});

describe('categories', () => {
  it('become one number each, whatever their type', async () => {
    const feed = feeder('{name: m, categories: [idle, 7, true]}, {name: a}', 4);
    expect((await feed({ m: 'idle', a: 9 })).row).toEqual([1, 0, 0, 9]);
    expect((await feed({ m: '7', a: 9 })).row).toEqual([0, 1, 0, 9]);
    expect(await feed({ m: true, a: 9 })).toMatchObject({
      row: [0, 0, 1, 9],
      features: { 'x.m': 2 },
    });
    await expect(feed({ m: 'run', a: 9 })).rejects.toThrow('has the unknown category "run" for m');
    await expect(feed({ a: 9 })).rejects.toThrow('has no category for m');
    await expect(feed({ m: 'constructor', a: 9 })).rejects.toThrow('unknown category');
    expect((await feed({ m: ' idle ', a: 9 })).row).toEqual([1, 0, 0, 9]);
    for (const m of [{ toString: 1, valueOf: 1 }, ['idle']]) {
      await expect(feed({ m, a: 9 })).rejects.toThrow(
        'has a list or an object, no category, for m',
      );
    }
  });

  it('that are unknown or missing become zeros, or one more category', async () => {
    const zeros = feeder('{name: m, categories: [a, b], unknown: zeros, missing: zeros}', 2);
    expect((await zeros({ m: 'c' })).row).toEqual([0, 0]);
    expect((await zeros({})).row).toEqual([0, 0]);
    const other = feeder('{name: m, categories: [a, b], unknown: other}', 3);
    expect((await other({ m: 'c' })).row).toEqual([0, 0, 1]);
    await expect(other({ m: '' })).rejects.toThrow('has no category for m');
  });

  it('become their place, and are places in a tensor', async () => {
    const index = feeder(
      '{name: m, categories: [a, b], encode: index, unknown: zeros}',
      1,
      'INT64',
    );
    expect((await index({ m: 'b' })).row).toEqual([1]);
    expect((await index({ m: 'c' })).row).toEqual([-1]);
    const oneHot = feeder('{name: m, categories: [a, b]}', 2);
    expect(await oneHot(fp32([2, 1], 1, 0))).toMatchObject({ row: [0, 1, 1, 0], shape: [2, 2] });
    await expect(oneHot(fp32([1, 1], 2))).rejects.toThrow('unknown category "number 2"');
  });
});

it('refuses more rows than it has memory for', async () => {
  const rows = (count: number): Tensor => {
    return { type: 'UINT8', shape: [count, 1], data: new Uint8Array(count) };
  };
  await expect(feeder('{name: a}', 1)(rows(65_537))).rejects.toThrow('65537 rows, too many');
  const categories = Array.from({ length: 4096 }, (_, i) => i).join();
  const wide = feeder(`{name: m, categories: [${categories}]}`, 4096);
  await expect(wide(rows(4097))).rejects.toThrow('4097 rows, too many');
  expect((await wide(rows(2))).shape).toEqual([2, 4096]);
});

it('refuses a spec whose columns the model does not take', () => {
  expect(() => feeder('{name: m, categories: [a, b]}', 1)).toThrow(
    'names 1 features, which become 2 numbers, but the model takes [-1,1]',
  );
});
