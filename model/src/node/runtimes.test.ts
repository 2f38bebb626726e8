import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelData, Runtime, Session } from '../runtime.ts';
import { ELEMENT_TYPES, type ElementType, type Tensor, type Tensors } from '../tensor.ts';
import { reluModel, tinyModel } from '../testing/tiny-onnx.ts';
import { deviceOrtRuntime, libraryFacts } from './ort-capi/runtime.ts';
import { deviceOrtWorker } from './ort-capi/worker.ts';
import { ORT_MAX_OPSET, ortRuntime } from './ort-runtime.ts';
import { bundledLibrary } from './testing/bundled-library.ts';
import { workerRuntime } from './worker-runtime.ts';

function fp32(shape: number[], ...data: number[]): Tensor {
  return { type: 'FP32', shape, data: Float32Array.from(data) };
}

async function withSession<T>(
  runtime: Runtime,
  model: ModelData,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await runtime.load(model);
  try {
    return await use(session);
  } finally {
    await session.dispose();
  }
}

/** y = x through a model that declares this element type. */
function identityModel(type: ElementType): Uint8Array {
  return tinyModel({
    inputs: [{ name: 'x', type, shape: ['n'] }],
    outputs: [{ name: 'y', type, shape: ['n'] }],
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  });
}

const LIBRARY = bundledLibrary();

describe.each<[string, string, () => Runtime]>([
  ['onnxruntime', 'on the calling thread', ortRuntime],
  ['onnxruntime', 'on a thread of its own', workerRuntime],
  ['onnxruntime-device', 'on the calling thread', () => deviceOrtRuntime(LIBRARY)],
  ['onnxruntime-device', 'on a thread of its own', () => deviceOrtWorker(libraryFacts(LIBRARY))],
])('%s %s', (name, _, makeRuntime) => {
  const runtime = makeRuntime();

  it('names itself', () => {
    expect(runtime).toMatchObject({ name, runs: 'onnxruntime', maxOpset: ORT_MAX_OPSET });
    expect(runtime.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(runtime.providers).toContain('cpu');
  });

  it('tells what the model declares, and runs it', async () => {
    await withSession(runtime, reluModel(['n', 2]), async (session) => {
      expect(session.inputs).toEqual([{ name: 'x', type: 'FP32', shape: [-1, 2] }]);
      expect(session).toMatchObject({ runtime: name, provider: 'cpu', fallbacks: [] });
      const x = fp32([2, 2], -1, 2, -3, 4);
      expect(await session.run({ x })).toEqual({ y: fp32([2, 2], 0, 2, 0, 4) });
      expect([...x.data]).toEqual([-1, 2, -3, 4]);
    });
  });

  it('answers overlapping runs each with its own result', async () => {
    await withSession(runtime, reluModel([1]), async (session) => {
      const runs = Array.from({ length: 50 }, (_, i) => session.run({ x: fp32([1], i) }));
      const results = await Promise.all(runs);
      expect(results.map(({ y }) => y?.data[0])).toEqual(Array.from({ length: 50 }, (_, i) => i));
    });
  });

  it('refuses feeds that do not fit before the library sees them', async () => {
    await withSession(runtime, reluModel([1, 2]), async (session) => {
      const wrong: Tensors[] = [
        {},
        { z: fp32([1], 1) },
        { x: fp32([2], 1, 2) },
        { x: fp32([1, 2], 1) },
      ];
      for (const feeds of wrong) {
        await expect(session.run(feeds)).rejects.toMatchObject({ code: 'tensor.invalid' });
      }
      expect((await session.run({ x: fp32([1, 2], 1, 2) })).y?.shape).toEqual([1, 2]);
    });
  });

  it('tries providers in order and keeps why the earlier ones did not take the model', async () => {
    const session = await runtime.load(reluModel([1]), { providers: ['none', 'cpu'] });
    expect(session.provider).toBe('cpu');
    expect(session.fallbacks).toEqual([
      { provider: 'none', reason: expect.stringContaining('none') },
    ]);
    await session.dispose();
    await expect(runtime.load(reluModel([1]), { providers: ['none'] })).rejects.toMatchObject({
      code: 'runtime.no-provider',
    });
  });

  it('refuses what is no model, and a newer opset than it knows', async () => {
    await expect(runtime.load(new Uint8Array(100))).rejects.toMatchObject({
      code: 'runtime.load-failed',
    });
    await withSession(runtime, reluModel([1], ORT_MAX_OPSET), async () => {});
    await expect(runtime.load(reluModel([1], ORT_MAX_OPSET + 1))).rejects.toThrow(
      `Opset ${ORT_MAX_OPSET + 1} is under development`,
    );
  });

  it('loads a file by its path, and says so where there is none', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'flotilla-runtime-'));
    try {
      const file = join(folder, 'relu.onnx');
      await writeFile(file, reluModel([1]));
      await withSession(runtime, file, async (session) => {
        expect((await session.run({ x: fp32([1], 3) })).y?.data[0]).toBe(3);
      });
      await expect(runtime.load(join(folder, 'absent.onnx'))).rejects.toMatchObject({
        code: 'runtime.load-failed',
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('says so where the model fails while it runs', async () => {
    const model = tinyModel({
      inputs: [
        { name: 'a', shape: ['n'] },
        { name: 'b', shape: ['m'] },
      ],
      outputs: [{ name: 'y', shape: ['k'] }],
      nodes: [{ op: 'Add', inputs: ['a', 'b'], outputs: ['y'] }],
    });
    await withSession(runtime, model, async (session) => {
      const feeds = { a: fp32([2], 1, 2), b: fp32([3], 1, 2, 3) };
      await expect(session.run(feeds)).rejects.toMatchObject({ code: 'runtime.run-failed' });
      const fitting = await session.run({ a: fp32([1], 1), b: fp32([1], 2) });
      expect(fitting.y?.data[0]).toBe(3);
    });
  });

  it('lets running calls end before it is disposed, and refuses later ones', async () => {
    const session = await runtime.load(reluModel([1]));
    const running = session.run({ x: fp32([1], 5) });
    await session.dispose();
    expect((await running).y?.data[0]).toBe(5);
    await expect(session.run({ x: fp32([1], 5) })).rejects.toMatchObject({ code: 'runtime.died' });
    await session.dispose();
  });
});

describe.each<[string, () => Runtime]>([
  ['onnxruntime', ortRuntime],
  ['onnxruntime-device', () => deviceOrtRuntime(LIBRARY)],
])('%s with every element type', (_, makeRuntime) => {
  const runtime = makeRuntime();

  it.each(Object.keys(ELEMENT_TYPES) as ElementType[])('passes %s through', async (type) => {
    await withSession(runtime, identityModel(type), async (session) => {
      const data = new ELEMENT_TYPES[type](3);
      new Uint8Array(data.buffer).set([1, 0, 1]);
      const x: Tensor = { type, shape: [3], data };
      expect((await session.run({ x })).y).toEqual(x);
      const none: Tensor = { type, shape: [0], data: new ELEMENT_TYPES[type](0) };
      expect((await session.run({ x: none })).y).toEqual(none);
    });
  });
});

describe('a thread', () => {
  it('leaves the event loop free while a model runs', async () => {
    await withSession(workerRuntime(), reluModel(['n']), async (session) => {
      const x: Tensor = { type: 'FP32', shape: [4_000_000], data: new Float32Array(4_000_000) };
      let turns = 0;
      const ticking = setInterval(() => turns++, 0);
      await Promise.all(Array.from({ length: 8 }, () => session.run({ x })));
      clearInterval(ticking);
      expect(turns).toBeGreaterThan(0);
    });
  });

  it('takes a view into a larger buffer without sending the rest', async () => {
    await withSession(workerRuntime(), reluModel([2]), async (session) => {
      const whole = Float32Array.of(9, 9, 1, -2, 9);
      const x: Tensor = { type: 'FP32', shape: [2], data: whole.subarray(2, 4) };
      const { y } = await session.run({ x });
      expect([...(y?.data ?? [])]).toEqual([1, 0]);
      expect(whole).toHaveLength(5);
    });
  });
});
