import { describe, expect, it } from 'vitest';
import type { ImageDecoder } from '../image/image.ts';
import { parseSpec } from '../spec/parse.ts';
import type { Tensor, TensorInfo } from '../tensor.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';
import type { ClassificationPrediction, Prediction } from './prediction.ts';
import type { Prepared } from './prepared.ts';

const HEAD = 'schema: 1\nname: m\n';
const CLASSES = 'outputs: {classification: {tensor: y}}\n';
const IMAGE = `${HEAD}inputs: {x: {image: {resize: {mode: stretch, size: [2, 1], kernel: nearest}, scale: 1/255}}}\n${CLASSES}`;
const IMAGE_INPUT: TensorInfo = { name: 'x', type: 'FP32', shape: [-1, 3, 1, 2] };

/** Decodes any bytes to two pixels, red and blue. */
const decoder: ImageDecoder = {
  decode: async () => ({ width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 0, 0, 255) }),
};

const NOTHING: Prepared = { tensors: {}, placements: [] };

function bind(text: string, inputs: readonly TensorInfo[], labels?: string[]): Pipeline {
  return createPipeline(parseSpec(text, 'model.yaml'), { labels, inputs, decoder });
}

function fp32(shape: number[], ...data: number[]): Tensor {
  return { type: 'FP32', shape, data: Float32Array.from(data) };
}

function classes(predictions: Prediction[]): ClassificationPrediction[] {
  return predictions.map((prediction) => {
    if (prediction.kind !== 'classification') throw new Error('not a classification');
    return prediction;
  });
}

describe('preprocess', () => {
  it('decodes, fits and normalizes an image, and tells its features', async () => {
    const { tensors, features } = await bind(IMAGE, [IMAGE_INPUT]).preprocess({
      x: Uint8Array.of(1),
    });
    expect(tensors.x).toEqual(fp32([1, 3, 1, 2], 1, 0, 0, 0, 0, 1));
    expect(features['x.red']).toBe(0.5);
    expect(features['x.saturation']).toBe(1);
  });

  it('takes pixels as UINT8 [height, width, 3], also in a batch', async () => {
    const pipeline = bind(IMAGE, [IMAGE_INPUT]);
    const pixels = (shape: number[]): Tensor => ({
      type: 'UINT8',
      shape,
      data: new Uint8Array(shape.reduce((a, b) => a * b)).fill(255),
    });
    const one = await pipeline.preprocess({ x: pixels([5, 4, 3]) });
    expect(one.tensors.x).toEqual(fp32([1, 3, 1, 2], 1, 1, 1, 1, 1, 1));
    const two = await pipeline.preprocess({ x: pixels([2, 5, 4, 3]) });
    expect(two.tensors.x?.shape).toEqual([2, 3, 1, 2]);
    expect(two.features['x.brightness']).toBeCloseTo(1);
    await expect(pipeline.preprocess({ x: pixels([1, 0, 4, 3]) })).rejects.toThrow(
      '[height, width, 3]',
    );
  });

  it('refuses a batch of small images that would become too large', async () => {
    const spec = `${HEAD}inputs: {x: {image: {resize: {mode: stretch, size: 2048}}}}\n${CLASSES}`;
    const pipeline = bind(spec, [{ name: 'x', type: 'FP32', shape: [-1, 3, 2048, 2048] }]);
    const of = (count: number) => ({
      x: { type: 'UINT8', shape: [count, 1, 1, 3], data: new Uint8Array(count * 3) } as const,
    });
    await expect(pipeline.preprocess(of(17))).rejects.toThrow('71303168 pixels once resized');
    await expect(pipeline.preprocess(of(4097))).rejects.toThrow('4097 images, more than 4096');
  });

  it('feeds a ready tensor as it is', async () => {
    const ready = fp32([1, 3, 1, 2], 1, 2, 3, 4, 5, 6);
    const { tensors, features } = await bind(IMAGE, [IMAGE_INPUT]).preprocess({ x: ready });
    expect(tensors.x).toBe(ready);
    expect(features).toEqual({
      'x.mean': 3.5,
      'x.std': expect.closeTo(1.7078, 3),
      'x.min': 1,
      'x.max': 6,
    });
  });

  it('feeds rows of features from JSON and from tensors', async () => {
    const text = `${HEAD}inputs: {x: {features: {names: [a, b], mean: [1, 2], std: [1, 2]}}}\n${CLASSES}`;
    const pipeline = bind(text, [{ name: 'x', type: 'FP32', shape: [-1, 2] }]);
    const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    for (const raw of [json({ b: 6, a: 3 }), json([3, 6]), fp32([2], 3, 6)]) {
      const { tensors, features } = await pipeline.preprocess({ x: raw });
      expect(tensors.x).toEqual(fp32([1, 2], 2, 2));
      expect(features).toEqual({ 'x.a': 3, 'x.b': 6 });
    }
    await expect(pipeline.preprocess({ x: json({ a: 1 }) })).rejects.toThrow('no number for b');
    await expect(pipeline.preprocess({ x: json(null) })).rejects.toThrow('object or list');
    await expect(pipeline.preprocess({ x: Uint8Array.of(0x7b) })).rejects.toThrow('is not JSON');
    await expect(pipeline.preprocess({ x: fp32([3], 1, 2, 3) })).rejects.toThrow('rows of 2');
  });

  it('refuses what no integer stands for', async () => {
    const text = `${HEAD}inputs: {x: {features: {names: [a]}}}\n${CLASSES}`;
    const pipeline = bind(text, [{ name: 'x', type: 'INT64', shape: [-1, 1] }]);
    const { tensors } = await pipeline.preprocess({ x: fp32([1], 7) });
    expect(tensors.x?.data).toEqual(BigInt64Array.of(7n));
    await expect(pipeline.preprocess({ x: fp32([1], Number.NaN) })).rejects.toThrow('not finite');
  });

  it('feeds no constant that the model holds already, and takes none amiss', async () => {
    const text = `${HEAD}inputs: {x: {raw: {}}, rate: {constant: 16000}}\noutputs: {raw: {}}`;
    const pipeline = bind(text, [{ name: 'x', type: 'FP32', shape: [1] }]);
    const x = fp32([1], 3);
    expect((await pipeline.preprocess({ x })).tensors).toEqual({ x });
    const rate = fp32([1], 16000);
    expect((await pipeline.preprocess({ x, rate })).tensors).toEqual({ x });
  });

  it('feeds constants and raw tensors', async () => {
    const text = `${HEAD}inputs: {x: {raw: {}}, rate: {constant: 16000}, pair: {constant: [1, 2]}}\noutputs: {raw: {}}`;
    const pipeline = bind(text, [
      { name: 'x', type: 'FP32', shape: [-1] },
      { name: 'rate', type: 'INT64', shape: [] },
      { name: 'pair', type: 'FP16', shape: [-1] },
    ]);
    const { tensors } = await pipeline.preprocess({ x: fp32([1], 5) });
    expect(tensors.rate).toEqual({ type: 'INT64', shape: [], data: BigInt64Array.of(16000n) });
    expect(tensors.pair).toEqual({
      type: 'FP16',
      shape: [2],
      data: Uint16Array.of(0x3c00, 0x4000),
    });
    expect(pipeline.postprocess({ z: fp32([1], 5) }, NOTHING)).toEqual([
      { kind: 'raw', tensors: { z: fp32([1], 5) } },
    ]);
  });

  it('makes constants and states anew for each caller', async () => {
    const text = `${HEAD}inputs: {rate: {constant: 16000}, s: {state: {from: t}}}\noutputs: {raw: {}}`;
    const inputs: TensorInfo[] = [
      { name: 'rate', type: 'FP32', shape: [1] },
      { name: 's', type: 'FP32', shape: [2] },
    ];
    const options = { labels: undefined, inputs, decoder, statesFromZero: true };
    const pipeline = createPipeline(parseSpec(text, 'model.yaml'), options);
    const { tensors } = await pipeline.preprocess({});
    for (const { data } of Object.values(tensors)) data.fill(7 as never);
    const { tensors: next } = await pipeline.preprocess({});
    expect(next).toEqual({ rate: fp32([1], 16000), s: fp32([2], 0, 0) });
  });

  it('refuses inputs that are missing, unknown or not tensors', async () => {
    const pipeline = bind(`${HEAD}inputs: {x: {raw: {}}}\n${CLASSES}`, [
      { name: 'x', type: 'FP32', shape: [1] },
    ]);
    await expect(pipeline.preprocess({})).rejects.toThrow('tensor x is missing');
    await expect(pipeline.preprocess({ z: fp32([1], 1) })).rejects.toThrow('not an input');
    await expect(pipeline.preprocess({ x: Uint8Array.of(1) })).rejects.toThrow('takes a tensor');
    await expect(pipeline.preprocess({ x: fp32([2], 1) })).rejects.toThrow('2 elements');
  });
});

describe('postprocess', () => {
  const raw = `${HEAD}inputs: {x: {raw: {}}}\n`;
  const x: TensorInfo = { name: 'x', type: 'FP32', shape: [1] };

  it('gives one prediction a sample, with softmax and labels', () => {
    const pipeline = bind(`${raw}${CLASSES}`, [x], ['cat', 'dog', 'eel']);
    const predictions = pipeline.postprocess({ y: fp32([2, 3], 1, 3, 2, 900, 0, 0) }, NOTHING);
    const [first, second] = classes(predictions);
    expect(first).toMatchObject({ index: 1, label: 'dog' });
    expect(first?.confidence).toBeCloseTo(0.665, 3);
    expect(first?.top.map(({ label }) => label)).toEqual(['dog', 'eel', 'cat']);
    expect(second).toMatchObject({ index: 0, confidence: 1 });
  });

  it('reads [batch, classes, 1, 1] and half floats without activation', () => {
    const text = `${raw}outputs: {classification: {tensor: y, activation: none, labels: [a, b]}}`;
    const y: Tensor = { type: 'FP16', shape: [1, 2, 1, 1], data: Uint16Array.of(0x3400, 0x3a00) };
    const [only] = classes(bind(text, [x]).postprocess({ y }, NOTHING));
    expect(only).toMatchObject({ index: 1, label: 'b', confidence: 0.75 });
  });

  it('keeps five, the lower index first among equals, and survives NaN', () => {
    const text = `${raw}outputs: {classification: {tensor: y, activation: none}}`;
    const y = fp32([1, 7], Number.NaN, 0.1, 0.3, 0.3, 0.2, 0, 0.1);
    const [only] = classes(bind(text, [x]).postprocess({ y }, NOTHING));
    expect(only?.top.map(({ index }) => index)).toEqual([2, 3, 4, 1, 6]);
    expect(only?.label).toBe('2');
  });

  it('keeps probabilities from 0 to 1, in the order of the scores', () => {
    const text = `${raw}outputs: {classification: {tensor: y, activation: none}}`;
    const [only] = classes(
      bind(text, [x]).postprocess({ y: fp32([1, 3], 1.01, 1.02, -0.1) }, NOTHING),
    );
    expect(only).toMatchObject({ index: 1, confidence: 1 });
    expect([...(only?.probabilities ?? [])]).toEqual([1, 1, 0]);
  });

  it('says where labels or outputs do not fit', () => {
    const pipeline = bind(`${raw}${CLASSES}`, [x], ['cat', 'dog']);
    expect(() => pipeline.postprocess({ y: fp32([1, 3], 1, 2, 3) }, NOTHING)).toThrow(
      'has 3 classes but there are 2 labels',
    );
    expect(() => pipeline.postprocess({ z: fp32([1, 3], 1, 2, 3) }, NOTHING)).toThrow('outputs z');
    expect(() => pipeline.postprocess({ y: fp32([0, 3]) }, NOTHING)).toThrow('holds no classes');
  });
});

describe('createPipeline', () => {
  it.each([
    [
      IMAGE,
      [{ ...IMAGE_INPUT, shape: [1, 3, 2, 2] }],
      'is made as [-1,3,1,2] but the model takes [1,3,2,2]',
    ],
    [IMAGE, [{ ...IMAGE_INPUT, shape: [1, 6] }], 'has 4 dimensions'],
    [IMAGE, [{ ...IMAGE_INPUT, type: 'INT64' }], 'takes INT64'],
    [
      IMAGE,
      [{ ...IMAGE_INPUT, name: 'data' }],
      'input x is not an input of the model, which takes data',
    ],
    [IMAGE, [IMAGE_INPUT, { ...IMAGE_INPUT, name: 'mask' }], 'input mask is missing under inputs'],
    [`${HEAD}inputs: {x: {features: {names: [a]}}}\n${CLASSES}`, [IMAGE_INPUT], 'names 1 features'],
    [`${HEAD}inputs: {x: {constant: [1, 2]}}\n${CLASSES}`, [IMAGE_INPUT], 'has 2 elements'],
  ] as const)('refuses a spec that does not fit the model (%#)', (text, inputs, message) => {
    expect(() => bind(text, inputs as readonly TensorInfo[])).toThrow(message);
  });

  it('feeds a state as it is given, or zeros where a stream is allowed to begin', async () => {
    const inputs: readonly TensorInfo[] = [
      { name: 'x', type: 'FP32', shape: [1] },
      { name: 'h', type: 'FP32', shape: [-1, 2] },
    ];
    const spec = parseSpec(
      `${HEAD}inputs: {x: {raw: {}}, h: {state: {from: hn}}}\n${CLASSES}`,
      'model.yaml',
    );
    const pipeline = createPipeline(spec, {
      labels: undefined,
      inputs,
      decoder,
      statesFromZero: true,
    });
    const x = fp32([1], 1);
    expect((await pipeline.preprocess({ x })).tensors.h).toEqual(fp32([1, 2], 0, 0));
    const h = fp32([1, 2], 3, 4);
    expect((await pipeline.preprocess({ x, h })).tensors.h).toEqual(h);
  });

  it('says which kinds it does not run', () => {
    const x: TensorInfo = { name: 'x', type: 'FP32', shape: [1] };
    expect(() => bind(`${HEAD}inputs: {x: {state: {from: h}}}\n${CLASSES}`, [x])).toThrow(
      'm: inputs.x is of kind state, which this version does not run; it runs image, audio',
    );
  });
});
