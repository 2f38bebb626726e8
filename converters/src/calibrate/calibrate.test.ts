import type { Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { TARGETS } from '@flotilla/targets';
import { describe, expect, test } from 'vitest';
import { freeTensors } from '../free.ts';
import { indexGraph } from '../ir/edit.ts';
import { isOp } from '../ir/graph.ts';
import { runModel } from '../testing/run-model.ts';
import { randomInput, smallNet } from '../testing/small-net.ts';
import { calibrate } from './calibrate.ts';
import { CALIBRATION_METHODS } from './methods.ts';
import { quantizableValues, tapValues } from './taps.ts';

const SHAPE = [1, 3, 16, 16];
const INPUTS = Array.from({ length: 6 }, (_, seed) => randomInput(SHAPE, seed));
const FORM = TARGETS['x86-64'].qdq;
const SYMMETRIC = TARGETS['jetson-orin'].qdq;

async function* each(inputs: readonly Tensors[]): AsyncGenerator<Tensors> {
  yield* inputs;
}

function filled(value: number): Tensors {
  return { input: { type: 'FP32', shape: SHAPE, data: new Float32Array(768).fill(value) } };
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

/** Of these no more is told than what the activation lets through. */
function takenByActivationAlone({ graph }: ReturnType<typeof smallNet>): Set<string> {
  const { consumers, producer } = indexGraph(graph);
  const inputs = graph.nodes.flatMap((node) =>
    isOp(node, 'Relu', 'Clip') ? node.inputs.slice(0, 1) : [],
  );
  return new Set(inputs.filter((name) => producer.has(name) && consumers.get(name)?.length === 1));
}

describe('the range of a value', () => {
  const runtime = ortRuntime();
  const run = (model: ReturnType<typeof smallNet>, inputs = INPUTS, workers = 1) =>
    calibrate(model, each(inputs), { runtime, methods: CALIBRATION_METHODS, workers });

  test('holds all its elements in all samples with min-max', async () => {
    const model = smallNet(3);
    const ranges = (await run(model)).ranges('min-max', FORM);
    const expected = await extremes(model);
    expect([...ranges.keys()].sort()).toEqual([...expected.keys()].sort());
    const cutOff = takenByActivationAlone(model);
    for (const [name, rows] of expected) {
      const least = cutOff.has(name) ? 0 : Math.min(...rows.map(({ min }) => min));
      expect(ranges.get(name)?.min).toBeLessThanOrEqual(least + 1e-4);
      expect(ranges.get(name)?.max).toBeCloseTo(Math.max(...rows.map(({ max }) => max)), 4);
    }
  });

  test('is the mean of the extremes with average', async () => {
    const model = smallNet(4);
    const ranges = (await run(model)).ranges('average', FORM);
    for (const [name, rows] of await extremes(model)) {
      const mean = rows.reduce((sum, { max }) => sum + max, 0) / rows.length;
      expect(ranges.get(name)?.max).toBeCloseTo(mean, 4);
    }
  });

  test.each(CALIBRATION_METHODS)('is never wider than min-max with %s', async (method) => {
    const statistics = await run(smallNet(5));
    const wide = statistics.ranges('min-max', FORM);
    for (const form of [FORM, SYMMETRIC]) {
      for (const [name, { min, max }] of statistics.ranges(method, form)) {
        expect(min).toBeLessThanOrEqual(max);
        expect(min).toBeGreaterThanOrEqual(Math.min(0, wide.get(name)!.min));
        expect(max).toBeLessThanOrEqual(Math.max(0, wide.get(name)!.max));
      }
    }
  });

  test('is the same to the bit from one thread and from three', async () => {
    const model = smallNet(7);
    const [one, three] = [await run(model, INPUTS, 1), await run(model, INPUTS, 3)];
    for (const method of CALIBRATION_METHODS) {
      expect([...three.ranges(method, FORM)]).toEqual([...one.ranges(method, FORM)]);
    }
  });

  test('is told of methods that were asked for only', async () => {
    const statistics = await calibrate(smallNet(6), each(INPUTS), {
      runtime,
      methods: ['min-max'],
      workers: 1,
    });
    expect(() => statistics.ranges('entropy', FORM)).toThrow(RangeError);
  });
});

describe('samples', () => {
  const run = async (inputs: readonly Tensors[], workers = 1) => {
    const done: number[] = [];
    await calibrate(smallNet(6), each(inputs), {
      runtime: ortRuntime(),
      methods: ['min-max'],
      workers,
      onSample: (count) => done.push(count),
      where: (index) => `parts/${index}.npy`,
    });
    return done;
  };

  test('are told of one by one', async () => {
    expect(await run(INPUTS.slice(0, 3))).toEqual([1, 2, 3]);
  });

  test.each([1, 2])('are released when they have been run (%i workers)', async (workers) => {
    const samples = Array.from({ length: 40 }, (_, seed) => randomInput(SHAPE, seed));
    const ranges = async (release?: (sample: Tensors) => void) => {
      const options = { runtime: ortRuntime(), methods: ['entropy'] as const, workers, release };
      const statistics = await calibrate(smallNet(1), each(samples), options);
      return statistics.ranges('entropy', FORM);
    };
    const expected = await ranges();
    expect(await ranges(freeTensors)).toEqual(expected);
    expect(samples.every(({ input }) => input?.data.length === 0)).toBe(true);
  });

  test('must be two at least', async () => {
    await expect(run(INPUTS.slice(0, 1))).rejects.toThrow(
      'calibration: 1 sample is left to calibrate with, and 2 are the least',
    );
  });

  test.each([1, 2])('of the wrong shape are named (%i workers)', async (workers) => {
    const wrong = [...INPUTS.slice(0, 3), randomInput([1, 3, 8, 8], 1)];
    await expect(run(wrong, workers)).rejects.toThrow(
      /^parts\/3\.npy cannot be used as data: tensor input has shape \[1,3,8,8\]/,
    );
  });

  test('that hold NaN are named, and so are values that become NaN', async () => {
    const [good, bad] = [randomInput(SHAPE, 1), filled(Number.NaN)];
    await expect(run([good, bad])).rejects.toThrow(
      'parts/1.npy cannot be used as data: input input holds NaN',
    );
    const huge = filled(Number.POSITIVE_INFINITY);
    await expect(run([good, huge])).rejects.toThrow(/parts\/1\.npy .* tensor .* holds NaN/);
  });
});
