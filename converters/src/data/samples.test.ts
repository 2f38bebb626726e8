import { createPipeline, parseSpec, type TensorInfo } from '@flotilla/model';
import { sharpDecoder } from '@flotilla/model/node';
import { expect, test } from 'vitest';
import { randomInput } from '../testing/small-net.ts';
import type { DataItem } from './item.ts';
import { type Sample, sampleSet } from './samples.ts';

const SHAPE = [1, 3, 4, 4];
const BYTES = 4 * 48;
const INPUTS: readonly TensorInfo[] = [{ name: 'input', type: 'FP32', shape: SHAPE }];
const SPEC = `
schema: 1
name: raw
task: image-classification
inputs: {input: {raw: {}}}
outputs: {raw: {}}
evaluation: {metric: agreement, maxDrop: 0.1}
`;

/** A set of three samples, and how often each was loaded. */
function threeSamples(cacheBytes: number) {
  const loads = [0, 0, 0];
  const items = loads.map((_, i): DataItem => {
    const load = async () => {
      loads[i]! += 1;
      return randomInput(SHAPE, i);
    };
    return { name: `${i}.npy`, where: `${i}.npy`, label: undefined, slices: {}, load };
  });
  const options = { labels: undefined, inputs: INPUTS, decoder: sharpDecoder() };
  const pipeline = createPipeline(parseSpec(SPEC, 'model.yaml'), options);
  return { loads, set: sampleSet(items, pipeline, INPUTS, cacheBytes) };
}

async function all(set: AsyncIterable<Sample>): Promise<Sample[]> {
  return await Array.fromAsync(set);
}

test('what fits is kept for the next time through, the rest is loaded again', async () => {
  const { loads, set } = threeSamples(2 * BYTES);
  const first = await all(set);
  const second = await all(set);
  expect(second.map(({ tensors }) => tensors)).toEqual(first.map(({ tensors }) => tensors));
  expect(loads).toEqual([1, 1, 2]);
});

test('a release empties a sample that is not kept, and no other', async () => {
  const { set } = threeSamples(2 * BYTES);
  const samples = await all(set);
  for (const { tensors } of samples) set.release(tensors);
  expect(samples.map(({ tensors }) => tensors.input?.data.length)).toEqual([48, 48, 0]);
});
