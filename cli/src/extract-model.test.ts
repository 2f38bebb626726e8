import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeManifest, sha256, targetPath } from '@flotilla/protocol';
import {
  createRepository,
  createSigner,
  generateKeyPair,
  signTargets,
  writeBundleFile,
} from '@flotilla/protocol/node';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { extractModel } from './extract-model.ts';

const MODEL = new Uint8Array(3000).fill(42);
const CONFIG = {
  formatVersion: 1 as const,
  model: 'parts',
  version: 3,
  target: 'x86-64',
  precision: 'int8' as const,
  runtime: { name: 'onnxruntime' as const, minOpset: 13, opset: 17 },
  memoryBytes: 20_000_000,
  sourceDigest: `sha256:${'0'.repeat(64)}`,
  tools: { flotilla: '0.1.0' },
  epoch: 0,
};

const made: string[] = [];
let folder = '';
const at = (name: string) => join(folder, name);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-extract-'));
  made.push(folder);
  await writeBundle(at('a.flotilla'));
});
afterAll(() => Promise.all(made.map((path) => rm(path, { recursive: true }))));

async function writeBundle(file: string): Promise<void> {
  const text = (words: string) => new TextEncoder().encode(words);
  const bundle = await makeManifest({
    config: CONFIG,
    model: MODEL,
    spec: text('schema: 1'),
    golden: text('golden'),
    recipe: text('{}'),
  });
  const signer = createSigner(generateKeyPair());
  const entry = { length: bundle.manifestBytes.length, digest: bundle.digest };
  const repository = createRepository(signer, { fleet: 'local' });
  const metadata = signTargets(repository, new Map([[targetPath(CONFIG), entry]]), signer);
  await writeBundleFile(file, { ...bundle, metadata });
}

it('writes the model as it is in the bundle, and nothing else', async () => {
  expect(await extractModel(at('a.flotilla'), at('model.onnx'), false)).toEqual({
    file: at('model.onnx'),
    bytes: 3000,
    digest: await sha256(MODEL),
    model: 'parts',
    version: 3,
    target: 'x86-64',
    precision: 'int8',
  });
  expect(new Uint8Array(await readFile(at('model.onnx')))).toEqual(MODEL);
  expect((await readdir(folder)).toSorted()).toEqual(['a.flotilla', 'model.onnx']);
});

it('overwrites a file only when it is told to', async () => {
  await writeFile(at('model.onnx'), 'mine');
  const refused = extractModel(at('a.flotilla'), at('model.onnx'), false);
  await expect(refused).rejects.toThrow(/model\.onnx" exists: name another file, or .*--force/);
  expect(await readFile(at('model.onnx'), 'utf8')).toBe('mine');
  await extractModel(at('a.flotilla'), at('model.onnx'), true);
  expect(await readFile(at('model.onnx'))).toHaveLength(3000);
});

it('writes nothing of a bundle in which a byte was changed', async () => {
  const bytes = await readFile(at('a.flotilla'));
  bytes[bytes.indexOf(Buffer.alloc(100, 42)) + 50] = 43;
  await writeFile(at('b.flotilla'), bytes);
  const refused = extractModel(at('b.flotilla'), at('model.onnx'), false);
  await expect(refused).rejects.toThrow(/b\.flotilla: blobs\/sha256.*content has digest/);
  expect(await readdir(folder)).not.toContain('model.onnx');
});

it('says of a bundle that is not there that it is missing', async () => {
  const refused = extractModel(at('b.flotilla'), at('model.onnx'), false);
  await expect(refused).rejects.toThrow(/bundle .*b\.flotilla does not exist: check the path/);
});

it.each<[string, RegExp]>([
  ['', /--out "" is no file/],
  ['folder', /folder" is a folder: name a file in it/],
  ['none/model.onnx', /model\.onnx" lies in no folder: make .*none first/],
  ['a.flotilla', /is the bundle itself/],
  ['link.onnx', /is the bundle itself/],
])('refuses to write to %j, also when it may overwrite', async (out, says) => {
  await mkdir(at('folder'));
  await symlink(at('a.flotilla'), at('link.onnx'));
  const refused = extractModel(at('a.flotilla'), out === '' ? '' : at(out), true);
  await expect(refused).rejects.toThrow(says);
});
