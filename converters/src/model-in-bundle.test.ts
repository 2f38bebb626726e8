import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { modelInBundle } from './model-in-bundle.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-bundled-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('a file that is no bundle by its name is left alone', async () => {
  expect(await modelInBundle(join(folder, 'model.onnx'))).toBeUndefined();
});

test('a bundle that is none is named', async () => {
  const file = join(folder, 'broken.flotilla');
  await writeFile(file, 'not a tar');
  await expect(modelInBundle(file)).rejects.toThrow(`${file} is not a valid bundle`);
});
