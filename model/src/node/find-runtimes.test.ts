import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadWithFallback } from '../runtimes.ts';
import { reluModel } from '../testing/tiny-onnx.ts';
import { addModel } from '../testing/tiny-tflite.ts';
import { findRuntimes } from './find-runtimes.ts';
import { makeRuntime } from './make-runtime.ts';
import { bundledLibrary } from './testing/bundled-library.ts';

const names = (runtimes: readonly { readonly name: string }[]) => runtimes.map(({ name }) => name);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-find-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the runtimes of a device', () => {
  test('none looks for no library: ONNX Runtime and TFLite are brought along', async () => {
    const { runtimes, missing } = await findRuntimes({ ortLibrary: 'none' });
    expect(names(runtimes)).toEqual(['onnxruntime', 'tflite']);
    expect(missing).toEqual([]);
  });

  test('a library that the owner names comes first', async () => {
    const { runtimes, specs, missing } = await findRuntimes({ ortLibrary: bundledLibrary() });
    expect(names(runtimes)).toEqual(['onnxruntime-device', 'onnxruntime', 'tflite']);
    expect(missing).toEqual([]);
    const made = await Promise.all(specs.map(makeRuntime));
    for (const [index, runtime] of runtimes.entries()) {
      const { load: _, ...facts } = runtime;
      expect(made[index]).toMatchObject(facts);
    }
    const need = { name: 'onnxruntime', opset: 17 } as const;
    const session = await loadWithFallback(runtimes, need, reluModel([1]));
    expect(session).toMatchObject({ runtime: 'onnxruntime-device', provider: 'cpu' });
    await session.dispose();
  });

  test('providers whose own library is not there are not listed', async () => {
    const { runtimes } = await findRuntimes({ ortLibrary: bundledLibrary() });
    for (const { providers } of runtimes) {
      expect(providers).not.toContain('cuda');
      expect(providers).not.toContain('tensorrt');
      expect(providers).toContain('cpu');
    }
  });

  test('a model for TFLite goes to TFLite', async () => {
    const { runtimes } = await findRuntimes({ ortLibrary: 'none' });
    const need = { name: 'tflite', opset: 3 } as const;
    const session = await loadWithFallback(runtimes, need, addModel([1]));
    expect(session).toMatchObject({ runtime: 'tflite', provider: 'cpu', fallbacks: [] });
    await session.dispose();
  });
});

describe('a library that cannot be used', () => {
  const reasonFor = async (ortLibrary: string) => {
    const { runtimes, missing } = await findRuntimes({ ortLibrary });
    expect(names(runtimes)).toEqual(['onnxruntime', 'tflite']);
    expect(names(missing)).toEqual(['onnxruntime-device']);
    return missing[0]?.reason;
  };

  test('is told with its reason: absent, empty, no library, for another processor', async () => {
    const write = async (name: string, content: string | Uint8Array) => {
      await writeFile(join(folder, name), content);
      return join(folder, name);
    };
    expect(await reasonFor(join(folder, 'absent.so'))).toContain('it cannot be read: ENOENT');
    expect(await reasonFor(await write('empty.so', ''))).toContain('too short');
    const text = 'a text that is longer than the header of a library';
    expect(await reasonFor(await write('text.so', text))).toContain('it is no library');
    const foreign = (await readFile(bundledLibrary())).subarray(0, 100);
    foreign[18] = 0x28;
    expect(await reasonFor(await write('foreign.so', foreign))).toContain('it is for arm, and');
  });

  test('is told with its reason: no ONNX Runtime', async () => {
    const maps = await readFile('/proc/self/maps', 'utf8');
    const [other = ''] = /\/\S+\/libm[.-]\S+/.exec(maps) ?? [];
    expect(await reasonFor(other)).toContain('OrtGetApiBase');
  });

  test('takes only the child process along where opening it crashes', async () => {
    const whole = await readFile(bundledLibrary());
    const torn = join(folder, 'libonnxruntime.so.1');
    await writeFile(torn, whole.subarray(0, 4 << 20));
    expect(await reasonFor(torn)).toMatch(/the process that opened it crashed \(SIG(BUS|SEGV)\)/);
  });
});
