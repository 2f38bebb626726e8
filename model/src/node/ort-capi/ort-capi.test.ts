import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reluModel } from '../../testing/tiny-onnx.ts';
import { bundledLibrary } from '../testing/bundled-library.ts';
import { grownMiB } from '../testing/grown.ts';
import { openLibrary, taken } from './library.ts';
import { tensorRtOptions } from './provider-options.ts';
import { deviceOrtRuntime } from './runtime.ts';

const LIBRARY = bundledLibrary();
const vector = (length: number) => ({
  type: 'FP32' as const,
  shape: [length],
  data: new Float32Array(length).fill(1),
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-capi-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('a provider that the library or the machine lacks', () => {
  it.each([
    ['tensorrt', /^Failed to load library .*providers_shared|is not enabled in this build/],
    ['cuda', /^Failed to load library .*providers_shared|is not enabled in this build/],
    ['xnnpack', /^XNNPACK execution provider is not supported in this build$/],
    ['acme', /^Unknown provider name 'acme'/],
  ])('%s gives its reason, and the CPU takes over', async (name, reason) => {
    const runtime = deviceOrtRuntime(LIBRARY);
    const cacheFolder = join(folder, name, 'cache');
    const options = { providers: [name, 'cpu'], precision: 'int8', cacheFolder };
    const session = await runtime.load(reluModel([2]), options);
    expect(session.provider).toBe('cpu');
    expect(session.fallbacks).toEqual([{ provider: name, reason: expect.stringMatching(reason) }]);
    expect(existsSync(cacheFolder)).toBe(name === 'tensorrt');
    await session.dispose();
  });

  it.each(['TensorRT', 'CUDA'] as const)('%s is appended to options, and refused', (name) => {
    const { call, release } = openLibrary(LIBRARY);
    const session = taken((cell) => call.CreateSessionOptions(cell));
    const append = () => {
      const provider = taken((cell) => call[`Create${name}ProviderOptions`](cell));
      try {
        call[`Append${name}`](session, provider);
      } finally {
        release[`${name}ProviderOptions`](provider);
      }
    };
    expect(append).toThrow(/Failed to load|not enabled/);
    release.SessionOptions(session);
  });

  it('is tried in the order TensorRT, CUDA, CPU', async () => {
    const runtime = deviceOrtRuntime(LIBRARY);
    const session = await runtime.load(reluModel([2]), { providers: ['tensorrt', 'cuda', 'cpu'] });
    expect(session.fallbacks.map(({ provider }) => provider)).toEqual(['tensorrt', 'cuda']);
    await session.dispose();
  });
});

describe('options for TensorRT', () => {
  it('allow no narrower numbers than the bundle says', () => {
    const flags = (precision: string) => Object.keys(tensorRtOptions({ precision }).options);
    expect(flags('fp32')).toEqual(['device_id']);
    expect(flags('fp16')).toEqual(['device_id', 'trt_fp16_enable']);
    expect(flags('int8')).toEqual(['device_id', 'trt_int8_enable', 'trt_fp16_enable']);
  });

  it('keep engine and timing cache in the folder of the bundle', () => {
    const { options, timing } = tensorRtOptions({ cacheFolder: '/data/cache/ab' });
    expect(options).toMatchObject({
      trt_engine_cache_enable: '1',
      trt_engine_cache_path: '/data/cache/ab',
    });
    expect(timing).toEqual({
      trt_timing_cache_enable: '1',
      trt_timing_cache_path: '/data/cache/ab',
    });
  });
});

describe('a library', () => {
  it('is refused with a reason where it is none', async () => {
    const text = join(folder, 'text.so');
    await writeFile(text, 'not a library');
    expect(() => openLibrary(text)).toThrow(/invalid ELF|too short/);
    expect(() => openLibrary(join(folder, 'absent.so'))).toThrow('No such file');
    expect(() => openLibrary('libm.so.6')).toThrow('OrtGetApiBase');
  });

  it('is used wherever it lies', async () => {
    const copy = join(folder, 'libonnxruntime.so.1.99');
    await copyFile(LIBRARY, copy);
    const session = await deviceOrtRuntime(copy).load(reluModel([2]));
    const x = { type: 'FP32' as const, shape: [2], data: Float32Array.of(-1, 1) };
    expect((await session.run({ x })).y?.data).toEqual(Float32Array.of(0, 1));
    await session.dispose();
  });
});

it('runs a lean session on several threads', async () => {
  const session = await deviceOrtRuntime(LIBRARY).load(reluModel(['n']), {
    lean: true,
    threads: 2,
  });
  expect((await session.run({ x: vector(8) })).y).toEqual(vector(8));
  await session.dispose();
});

describe('memory', () => {
  it('does not grow with thousands of runs', async () => {
    const session = await deviceOrtRuntime(LIBRARY).load(reluModel(['n']));
    // 1,000 runs whose results were not freed would take 1 GB
    const x = vector(2 ** 18);
    const small = vector(4);
    expect(await grownMiB(1000, () => session.run({ x }))).toBeLessThan(200);
    expect(await grownMiB(20_000, () => session.run({ x: small }))).toBeLessThan(20);
    await session.dispose();
  });

  it('does not grow with thousands of loads, nor with refusals', async () => {
    const runtime = deviceOrtRuntime(LIBRARY);
    const load = async () => (await runtime.load(reluModel([4]))).dispose();
    expect(await grownMiB(2000, load)).toBeLessThan(20);
    const refuse = () => runtime.load(new Uint8Array(9)).catch(() => undefined);
    expect(await grownMiB(5000, refuse)).toBeLessThan(20);
  });
});
