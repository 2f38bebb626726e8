import { describe, expect, it } from 'vitest';
import { parseSpec } from '../spec/parse.ts';
import type { Tensor, TensorInfo } from '../tensor.ts';
import { pcm16, tone } from '../testing/audio.ts';
import { createPipeline, type Pipeline } from './pipeline.ts';

const decoder = { decode: () => Promise.reject(new Error('there are no images')) };

function bind(
  audio: string,
  shape: readonly number[],
  type: TensorInfo['type'] = 'FP32',
): Pipeline {
  const text = `schema: 1\nname: m\ninputs: {x: {audio: {sampleRate: 16000, ${audio}}}}\noutputs: {raw: {}}`;
  const inputs = [{ name: 'x', type, shape }];
  return createPipeline(parseSpec(text, 'm.yaml'), { labels: undefined, inputs, decoder });
}

async function fed(pipeline: Pipeline, x: Uint8Array | Tensor): Promise<Tensor> {
  return (await pipeline.preprocess({ x })).tensors.x!;
}

const MELS = 'frames: {frame: 400, hop: 160}, mel: {bins: 40}';

describe('waveforms', () => {
  it.each([
    ['start', [1, 2], [1, 2, 0, 0]],
    ['center', [1, 2], [0, 1, 2, 0]],
    ['end', [1, 2], [0, 0, 1, 2]],
    ['start', [1, 2, 3, 4, 5, 6], [1, 2, 3, 4]],
    ['center', [1, 2, 3, 4, 5, 6], [2, 3, 4, 5]],
    ['end', [1, 2, 3, 4, 5, 6], [3, 4, 5, 6]],
  ])('are cut and padded at the %s', async (align, clip, expected) => {
    const pipeline = bind(`samples: 4, align: ${align}`, [1, 4]);
    const data = Float32Array.from(clip);
    const tensor = await fed(pipeline, { type: 'FP32', shape: [data.length], data });
    expect(tensor).toEqual({ type: 'FP32', shape: [1, 4], data: Float32Array.from(expected) });
  });

  it('come from a WAV file of another rate, and their features are told', async () => {
    const pipeline = bind('seconds: 0.5', [-1, 1, 8000]);
    const x = pcm16(tone(2000, 44_100, 44_100), 44_100);
    const { tensors, features } = await pipeline.preprocess({ x });
    expect(tensors.x?.shape).toEqual([1, 1, 8000]);
    const expected = tone(2000, 16_000, 8000);
    expect(tensors.x?.data[4000]).toBeCloseTo(expected[4000]!, 2);
    expect(features['x.rms']).toBeCloseTo(Math.SQRT1_2, 2);
    expect(features['x.peak']).toBeCloseTo(1, 1);
    expect(features['x.crossings']).toBeCloseTo(0.25, 2);
    expect(features['x.centroid']).toBeCloseTo(0.25, 1);
  });

  it('come as INT16, also in a batch, and go as the integers that a model takes', async () => {
    const pipeline = bind('samples: 2, preEmphasis: 0.5, normalize: {std: 1/128}', [-1, 2], 'INT8');
    const data = Int16Array.of(16_384, 16_384, -32_768, 32_767);
    const tensor = await fed(pipeline, { type: 'INT16', shape: [2, 2], data });
    expect(tensor).toEqual({ type: 'INT8', shape: [2, 2], data: Int8Array.of(64, 32, -128, 127) });
  });

  it('are brought to mean 0 and deviation 1, and silence stays finite', async () => {
    const pipeline = bind('normalize: clip', [1, -1]);
    const of = (...x: number[]): Tensor => ({
      type: 'FP32',
      shape: [x.length],
      data: Float32Array.from(x),
    });
    expect([...(await fed(pipeline, of(1, 3))).data]).toEqual([-1, 1]);
    expect([...(await fed(pipeline, of(2, 2))).data]).toEqual([0, 0]);
  });
});

describe('spectra', () => {
  it.each([
    ['framesFirst', [1, 98, 40]],
    ['framesFirst', [-1, 1, 98, 40]],
    ['framesFirst', [1, 98, 40, 1]],
    ['framesFirst', [1, 3920]],
    ['framesFirst', [98, 40]],
    ['binsFirst', [1, 40, 98]],
    ['binsFirst', [1, 1, 40, -1]],
  ])('take the shape that the model declares: %s %j', async (layout, shape) => {
    const pipeline = bind(`seconds: 1, features: logMel, ${MELS}, layout: ${layout}`, shape);
    const flat = bind(`seconds: 1, features: logMel, ${MELS}`, [1, 3920]);
    const x = pcm16(tone(1000, 16_000, 16_000), 16_000);
    const tensor = await fed(pipeline, x);
    const { data } = await fed(flat, x);
    expect(tensor.shape).toEqual(shape.map((n, i) => (n > 0 ? n : i === 0 ? 1 : 98)));
    expect(tensor.data[layout === 'binsFirst' ? 3 * 98 + 7 : 7 * 40 + 3]).toBe(data[7 * 40 + 3]);
  });

  it('are normalized by numbers for each bin, or by those of each bin', async () => {
    const x = pcm16(tone(1000, 16_000, 16_000), 16_000);
    const mfcc = `features: mfcc, ${MELS}, mfcc: {coefficients: 3}, seconds: 1`;
    const plain = await fed(bind(mfcc, [1, 98, 3]), x);
    const scaled = await fed(
      bind(`${mfcc}, normalize: {mean: [1, 2, 3], std: [1, 2, 4]}`, [1, 98, 3]),
      x,
    );
    expect(scaled.data[5]).toBeCloseTo((Number(plain.data[5]) - 3) / 4, 4);
    const noise = Float32Array.from({ length: 16_000 }, (_, i) => Math.sin(i * i));
    const own = await fed(bind(`${mfcc}, normalize: bin`, [1, 98, 3]), pcm16(noise, 16_000));
    const column = Array.from(own.data as Float32Array).filter((_, i) => i % 3 === 1);
    const mean = column.reduce((a, b) => a + b) / column.length;
    expect(mean).toBeCloseTo(0, 5);
    expect(column.reduce((a, b) => a + b * b, 0) / column.length).toBeCloseTo(1, 3);
  });

  it('are fed as they are where they are ready', async () => {
    const ready: Tensor = { type: 'FP32', shape: [1, 1, 8], data: new Float32Array(8) };
    const pipeline = bind(
      'features: logMel, frames: {frame: 400, hop: 160}, mel: {bins: 8}',
      [1, -1, 8],
    );
    expect(await fed(pipeline, ready)).toBe(ready);
  });
});

describe('refusals', () => {
  it('count what clips would become before any is padded', async () => {
    const int16 = (count: number, length: number): Tensor => {
      const data = new Int16Array(count * length);
      return { type: 'INT16', shape: [count, length], data };
    };
    const padded = bind('seconds: 60', [-1, 960_000]);
    await expect(fed(padded, int16(4096, 1))).rejects.toThrow('would be 3932160000 samples');
    const few = bind(
      'seconds: 60, features: logMel, frames: {frame: 400, hop: 32768}, mel: {bins: 1}',
      [-1, -1],
    );
    await expect(fed(few, int16(4096, 1))).rejects.toThrow('would be 3932160000 samples');
    for (const [count, length] of [
      [4097, 1],
      [2 ** 31, 0],
    ] as const) {
      await expect(fed(padded, int16(count, length))).rejects.toThrow('clips, more than 4096');
    }
  });

  it('name what does not fit', async () => {
    const mels = `features: logMel, ${MELS}`;
    expect(() => bind(`seconds: 1, ${mels}`, [1, 97, 40])).toThrow(
      'is made as [-1,98,40] but the model takes [1,97,40]',
    );
    expect(() => bind(`samples: 100, ${mels}`, [1, -1, 40])).toThrow('shorter than one frame');
    expect(() => bind('', [1, -1], 'BOOL')).toThrow('is sound but the model takes BOOL');
    const fine = 'features: logMel, frames: {frame: 4, hop: 1}, mel: {bins: 512}';
    const long: Tensor = { type: 'INT16', shape: [2 ** 18], data: new Int16Array(2 ** 18) };
    await expect(fed(bind(fine, [1, -1, 512]), long)).rejects.toThrow('numbers, too many');
    const short: Tensor = { type: 'FP32', shape: [3], data: new Float32Array(3) };
    await expect(fed(bind(mels, [1, -1, 40]), short)).rejects.toThrow('at least one frame');
    await expect(fed(bind('', [1, 4]), short)).rejects.toThrow('which takes [1,4]');
    await expect(fed(bind('', [1, 4]), Uint8Array.of(1))).rejects.toThrow('no RIFF WAVE');
  });
});
