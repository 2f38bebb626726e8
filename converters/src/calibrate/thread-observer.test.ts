import { ortRuntime } from '@flotilla/model/node';
import { expect, test } from 'vitest';
import { writeOnnx } from '../formats/onnx/write.ts';
import { randomInput, smallNet } from '../testing/small-net.ts';
import { openObserver } from './observer.ts';
import { quantizableValues, tapActivations } from './taps.ts';
import { openThreadObserver } from './thread-observer.ts';

const SHAPE = [1, 3, 16, 16];

test('a thread sees what the calling thread sees, and leaves the samples to the caller', async () => {
  const model = smallNet(1);
  const tapped = tapActivations(model, quantizableValues(model.graph), true);
  const bytes = writeOnnx(tapped.model);
  const here = openObserver(await ortRuntime().load(bytes), tapped.taps);
  const there = await openThreadObserver(writeOnnx(tapped.model), tapped.taps);
  try {
    const samples = Array.from({ length: 3 }, (_, seed) => randomInput(SHAPE, seed));
    const seen = await Promise.all(samples.map((sample) => there.observe(sample)));
    for (const [i, sample] of samples.entries()) {
      expect(seen[i]).toEqual(await here.observe(sample));
      expect(sample.input?.data).toHaveLength(768);
    }
    expect(await there.histograms()).toEqual(await here.histograms());
  } finally {
    await Promise.all([here.dispose(), there.dispose()]);
  }
});

test('what a thread refuses is told as here, and it goes on', async () => {
  const model = smallNet(1);
  const { model: tapped, taps } = tapActivations(model, quantizableValues(model.graph), false);
  const observer = await openThreadObserver(writeOnnx(tapped), taps);
  try {
    const wrong = observer.observe(randomInput([1, 3, 8, 8], 1));
    await expect(wrong).rejects.toThrow(/tensor input has shape \[1,3,8,8\]/);
    expect((await observer.observe(randomInput(SHAPE, 1))).length).toBe(2 * taps.length);
  } finally {
    await observer.dispose();
  }
});
