import type { Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { describe, expect, test } from 'vitest';
import { runModel } from '../testing/run-model.ts';
import { randomInput, smallNet } from '../testing/small-net.ts';
import { calibrate } from './calibrate.ts';
import { quantizableValues, tapValues } from './taps.ts';

const SHAPE = [1, 3, 16, 16];
const INPUTS = Array.from({ length: 6 }, (_, seed) => randomInput(SHAPE, seed));

async function* each(inputs: readonly Tensors[]): AsyncGenerator<Tensors> {
  yield* inputs;
}

/** The extremes of every value, computed here from the values themselves. */
async function extremes(model: ReturnType<typeof smallNet>) {
  const names = quantizableValues(model.graph);
  const tapped = tapValues(model, names);
  const rows = new Map(names.map((name) => [name, [] as { min: number; max: number }[]]));
  for (const feeds of INPUTS) {
    const { outputs } = await runModel(tapped.model, feeds);
    for (const [name, output] of tapped.outputs) {
      const data = outputs[output]?.data as Float32Array;
      rows.get(name)?.push({ min: Math.min(...data), max: Math.max(...data) });
    }
  }
  return rows;
}

describe('the range of a value', () => {
  const runtime = ortRuntime();

  test('holds all its elements in all samples with min-max', async () => {
    const model = smallNet(3);
    const ranges = await calibrate(model, each(INPUTS), { runtime, method: 'min-max' });
    const expected = await extremes(model);
    expect(ranges.size).toBe(expected.size);
    for (const [name, rows] of expected) {
      expect(ranges.get(name)?.min).toBeCloseTo(Math.min(...rows.map(({ min }) => min)), 4);
      expect(ranges.get(name)?.max).toBeCloseTo(Math.max(...rows.map(({ max }) => max)), 4);
    }
  });

  test('is the mean of the extremes with average', async () => {
    const model = smallNet(4);
    const ranges = await calibrate(model, each(INPUTS), { runtime, method: 'average' });
    for (const [name, rows] of await extremes(model)) {
      const mean = rows.reduce((sum, { max }) => sum + max, 0) / rows.length;
      expect(ranges.get(name)?.max).toBeCloseTo(mean, 4);
    }
  });

  test('is at most a little wider than min-max with percentile', async () => {
    const model = smallNet(5);
    const wide = await calibrate(model, each(INPUTS), { runtime, method: 'min-max' });
    const ranges = await calibrate(model, each(INPUTS), { runtime, method: 'percentile' });
    for (const [name, { min, max }] of ranges) {
      const bin = Math.max(Math.abs(wide.get(name)!.min), Math.abs(wide.get(name)!.max)) / 512;
      expect(max).toBeLessThanOrEqual(wide.get(name)!.max + bin);
      expect(min).toBeGreaterThanOrEqual(wide.get(name)!.min - bin);
    }
  });

  test('is told after each sample', async () => {
    const done: number[] = [];
    await calibrate(smallNet(6), each(INPUTS.slice(0, 3)), {
      runtime,
      method: 'min-max',
      onSample: (count) => done.push(count),
    });
    expect(done).toEqual([1, 2, 3]);
  });
});
