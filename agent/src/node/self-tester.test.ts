import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MEDIA } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makePartsBundle } from '../testing/parts-bundle.ts';
import { createLogger } from './logger.ts';
import { createSelfTester } from './self-tester.ts';

let data: string;

beforeAll(async () => {
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
  createSelfTester(data, 1, createLogger('silent')).test(
    { model, golden: 'golden', memoryBytes: 16 << 20, timeoutMs },
    new AbortController().signal,
  );

describe('self-test', () => {
  test('compares with the golden outputs and measures', async () => {
    const report = await selfTest('model');
    expect(report).toMatchObject({ passed: true, samples: 1, reason: '' });
    expect(report.latencyMs).toBeGreaterThan(0);
  });

  test('fails for a model that cannot be loaded, and for one that takes too long', async () => {
    await expect(selfTest('broken')).rejects.toMatchObject({ name: 'FlotillaError' });
    await expect(selfTest('model', 10)).rejects.toMatchObject({ code: 'child.timeout' });
  });
});
