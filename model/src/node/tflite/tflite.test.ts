import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tensorOf } from '../../pipeline/numbers.ts';
import type { ElementType, Tensors } from '../../tensor.ts';
import { addModel, type TinyTensor, tinyTflite } from '../../testing/tiny-tflite.ts';
import { grownMiB } from '../testing/grown.ts';
import { tfliteRuntime } from './runtime.ts';
import { tfliteWorker } from './worker.ts';

const tensor = (type: ElementType, shape: readonly number[], values: readonly number[]) =>
  tensorOf(values, shape, type);
const fp32 = (...values: number[]) => tensor('FP32', [values.length], values);

describe.each([
  ['on the calling thread', tfliteRuntime],
  ['on a thread of its own', tfliteWorker],
])('TFLite %s', (_, makeRuntime) => {
  const runtime = makeRuntime();

  it('names itself', () => {
    expect(runtime).toMatchObject({ name: 'tflite', runs: 'tflite', providers: ['cpu'] });
    expect(runtime.version).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('tells what a model declares, and runs it with several inputs and outputs', async () => {
    const session = await runtime.load(addModel([3]));
    expect(session).toMatchObject({ runtime: 'tflite', provider: 'cpu', fallbacks: [] });
    expect(session.inputs).toEqual([
      { name: 'a', type: 'FP32', shape: [3] },
      { name: 'b', type: 'FP32', shape: [3] },
    ]);
    expect(session.outputs.map(({ name }) => name)).toEqual(['sum', 'positive']);
    const first = await session.run({ a: fp32(1, -2, 3), b: fp32(0.5, 0.5, 0.5) });
    expect(first).toEqual({ sum: fp32(1.5, -1.5, 3.5), positive: fp32(1, 0, 3) });
    const second = await session.run({ a: fp32(-1, -1, -1), b: fp32(1, 1, 1) });
    expect(second.sum).toEqual(fp32(0, 0, 0));
    expect(first.sum).toEqual(fp32(1.5, -1.5, 3.5));
    await session.dispose();
  });

  it('answers overlapping runs each with its own result', async () => {
    const session = await runtime.load(addModel([1]));
    const runs = Array.from({ length: 20 }, (_, i) => session.run({ a: fp32(i), b: fp32(i) }));
    const sums = (await Promise.all(runs)).map(({ sum }) => sum?.data[0]);
    expect(sums).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
    await session.dispose();
  });

  it('refuses feeds that do not fit, what is no TFLite model, and operators that it lacks', async () => {
    const session = await runtime.load(addModel([2]));
    const a = fp32(1, 2);
    const wrong: Tensors[] = [{ a }, { a, b: fp32(1) }, { a, b: a, c: a }];
    for (const feeds of wrong) {
      await expect(session.run(feeds)).rejects.toMatchObject({ code: 'tensor.invalid' });
    }
    await session.dispose();
    const refused = (model: Uint8Array) => expect(runtime.load(model)).rejects;
    await refused(new Uint8Array(100)).toThrow('no TFLite model');
    await refused(addModel([2]).subarray(0, 200)).toMatchObject({ code: 'runtime.load-failed' });
    await refused(
      tinyTflite({
        inputs: [{ name: 'x', shape: [1] }],
        outputs: [{ name: 'y', shape: [1] }],
        nodes: [{ op: 'UNKNOWN', inputs: ['x'], outputs: ['y'] }],
      }),
    ).toMatchObject({ code: 'runtime.load-failed' });
  });

  it('falls back to its one provider, and loads a file by its path', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-tflite-'));
    try {
      await writeFile(join(folder, 'add.tflite'), addModel([1]));
      const options = { providers: ['coral', 'cpu'] };
      const session = await runtime.load(join(folder, 'add.tflite'), options);
      expect(session.fallbacks).toEqual([
        { provider: 'coral', reason: 'TFLite has no provider coral here, only cpu' },
      ]);
      await session.dispose();
      const feeds = { a: fp32(1), b: fp32(1) };
      await expect(session.run(feeds)).rejects.toMatchObject({ code: 'runtime.died' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('elements of TFLite', () => {
  const quantized = (type: TinyTensor['type'], zeroPoint: number) => {
    const common = { type, shape: [3], scale: 0.5, zeroPoint };
    return tinyTflite({
      inputs: [
        { name: 'a', ...common },
        { name: 'b', ...common },
      ],
      outputs: [{ name: 'sum', ...common }],
      nodes: [{ op: 'ADD', inputs: ['a', 'b'], outputs: ['sum'] }],
    });
  };

  it.each([
    ['INT8', 0, [100, -100, 7], [50, -50, -4], [127, -128, 3]],
    ['UINT8', 128, [130, 120, 255], [130, 120, 200], [132, 112, 255]],
    ['INT16', 0, [1000, -3, 0], [24, 1, 0], [1024, -2, 0]],
  ] as const)('%s adds in integers, and saturates', async (type, zero, a, b, sum) => {
    const session = await tfliteRuntime().load(quantized(type, zero));
    expect(session.inputs[0]).toEqual({ name: 'a', type, shape: [3] });
    const outputs = await session.run({ a: tensor(type, [3], a), b: tensor(type, [3], b) });
    expect(outputs.sum).toEqual(tensor(type, [3], sum));
    await session.dispose();
  });

  it('says why where an operator refuses a type while it runs', async () => {
    const common = { type: 'BOOL', shape: [1] } as const;
    const model = tinyTflite({
      inputs: [
        { name: 'a', ...common },
        { name: 'b', ...common },
      ],
      outputs: [{ name: 'y', ...common }],
      nodes: [{ op: 'ADD', inputs: ['a', 'b'], outputs: ['y'] }],
    });
    const session = await tfliteRuntime().load(model);
    const one = tensor('BOOL', [1], [1]);
    await expect(session.run({ a: one, b: one })).rejects.toThrow(
      'ran: Type BOOL is unsupported by op Add',
    );
    await session.dispose();
  });

  it('makes names for tensors that have none', async () => {
    const model = tinyTflite({
      inputs: [{ name: '', shape: [1] }],
      outputs: [{ name: 'y', shape: [1] }],
      nodes: [{ op: 'RELU', inputs: [''], outputs: ['y'] }],
    });
    const session = await tfliteRuntime().load(model);
    expect((await session.run({ input_0: fp32(-3) })).y).toEqual(fp32(0));
    await session.dispose();
  });
});

/** Each compiles the module anew. */
const LOADS = process.env.FLOTILLA_LONG === '1' ? 300 : 120;

describe('memory of TFLite', () => {
  it('goes with the session', async () => {
    const runtime = tfliteRuntime();
    const model = addModel([16]);
    const load = async () => (await runtime.load(model)).dispose();
    // an instance that stayed would keep more than a MiB
    expect(await grownMiB(LOADS, load)).toBeLessThan(LOADS / 2);
  }, 180_000);

  it('does not grow with thousands of runs', async () => {
    const session = await tfliteRuntime().load(addModel([1024]));
    const x = fp32(...new Float32Array(1024));
    // one copy of a tensor that stayed from each run would take 200 MiB
    expect(await grownMiB(50_000, () => session.run({ a: x, b: x }))).toBeLessThan(100);
    await session.dispose();
  });
});
