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

  test('is told with its reason: absent, no library, no ONNX Runtime', async () => {
    const text = join(folder, 'text.so');
    await writeFile(text, 'not a library, but longer than the header of one would be, as it were');
    expect(await reasonFor(join(folder, 'absent.so'))).toContain('No such file');
    expect(await reasonFor(text)).toContain('invalid ELF header');
    expect(await reasonFor('/lib/x86_64-linux-gnu/libm.so.6')).toMatch(
      /OrtGetApiBase|No such file/,
    );
  });

  test('takes only the child process along where opening it crashes', async () => {
    const whole = await readFile(bundledLibrary());
    const torn = join(folder, 'libonnxruntime.so.1');
    await writeFile(torn, whole.subarray(0, 4 << 20));
    expect(await reasonFor(torn)).toMatch(/crashed \(SIG(BUS|SEGV)\)|cannot be used/);
  });
});
