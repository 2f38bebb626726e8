import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FoundRuntimes, findRuntimes } from '@flotilla/model/node';
import { MEDIA } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DEVICE_LIBRARY } from '../testing/device-library.ts';
import { makePartsBundle } from '../testing/parts-bundle.ts';
import { createLogger } from './logger.ts';
import { createSelfTester } from './self-tester.ts';

let data: string;
let found: FoundRuntimes;

beforeAll(async () => {
  found = await findRuntimes({ ortLibrary: DEVICE_LIBRARY });
  data = await mkdtemp(join(tmpdir(), 'flotilla-self-test-'));
  const bundle = await makePartsBundle(1);
  const { layers } = JSON.parse(new TextDecoder().decode(bundle.manifestBytes));
  for (const [name, type] of [
    ['model', MEDIA.model],
    ['golden', MEDIA.golden],
  ] as const) {
    const layer = layers.find(({ mediaType }: { mediaType: string }) => mediaType === type);
    await writeFile(join(data, name), bundle.blobs.get(layer.digest) ?? new Uint8Array());
  }
  await writeFile(join(data, 'broken'), 'not a model');
});
afterAll(() => rm(data, { recursive: true }));

const selfTest = (model: string, timeoutMs = 30_000) =>
  createSelfTester({
    data,
    found,
    loadOptions: { providers: ['acme', 'auto'] },
    logger: createLogger('silent'),
  }).test(
    {
      model,
      golden: 'golden',
      need: { name: 'onnxruntime', opset: 17 },
      precision: 'fp32',
      cacheFolder: join(data, 'cache/of/it'),
      memoryBytes: 16 << 20,
      timeoutMs,
    },
    new AbortController().signal,
  );

describe('self-test', () => {
  test('compares with the golden outputs and measures', async () => {
    const report = await selfTest('model');
    expect(report).toMatchObject({ passed: true, samples: 2, reason: '' });
    expect(report.latencyMs).toBeGreaterThan(0);
    expect(report.latencyP95Ms).toBeGreaterThanOrEqual(report.latencyMs);
    // the runtime's own share is not the model's
    expect(report.rssBytes).toBeGreaterThan(1 << 20);
    expect(report.rssBytes).toBeLessThan(100 << 20);
  });

  test('says which runtime and provider took the model, and why others did not', async () => {
    const { runtime, provider, fallbacks } = await selfTest('model');
    expect({ runtime, provider }).toEqual({ runtime: 'onnxruntime-device', provider: 'cpu' });
    expect(fallbacks).toEqual([
      expect.stringMatching(/^onnxruntime-device\/acme: Unknown provider name 'acme'/),
      expect.stringMatching(/^onnxruntime\/acme: .*acme/),
    ]);
  });

  test('begins with an empty cache, which an earlier attempt may have torn', async () => {
    await mkdir(join(data, 'cache/of/it'), { recursive: true });
    await writeFile(join(data, 'cache/of/it/engine'), 'torn');
    await selfTest('model');
    expect(existsSync(join(data, 'cache/of/it'))).toBe(false);
  });

  test('fails for a model that cannot be loaded, and for one that takes too long', async () => {
    await expect(selfTest('broken')).rejects.toMatchObject({ name: 'FlotillaError' });
    await expect(selfTest('model', 10)).rejects.toMatchObject({ code: 'child.timeout' });
  });
});
