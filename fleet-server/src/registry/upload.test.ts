import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { tarOf } from '../testing/uploads.ts';
import { receiveUpload } from './upload.ts';

const limits = { maxBytes: 10_000, maxModelBytes: 6000, maxFiles: 5 };
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-upload-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function* whole(bytes: Uint8Array) {
  yield bytes;
}
const receive = (tar: Uint8Array) => receiveUpload(whole(tar), join(folder, 'build'), limits);

/** An archive whose one path is not what GNU tar would write. */
async function withPath(path: string): Promise<Uint8Array> {
  const tar = Uint8Array.from(await tarOf({ 'model.onnx': 'x' }, 'ustar'));
  const at = 512;
  tar.fill(0, at, at + 100);
  tar.set(new TextEncoder().encode(path), at);
  tar.fill(32, at + 148, at + 156);
  const sum = tar.subarray(at, at + 512).reduce((a, b) => a + b, 0);
  tar.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, '0')}\0 `), at + 148);
  return tar;
}

it('knows a model with its data', async () => {
  const tar = await tarOf({ 'm.onnx': 'x', 'm.yaml': 'y', 'calibration/1.jpg': 'z' });
  const build = join(folder, 'build');
  expect(await receive(tar)).toEqual({
    kind: 'source',
    modelFile: join(build, 'm.onnx'),
    specFile: join(build, 'm.yaml'),
    calibration: join(build, 'calibration'),
    evaluation: undefined,
  });
});

it.each(['../model.onnx', '/etc/model.onnx', 'calibration/../../x.onnx', 'a\\b.onnx', 'x/y.onnx'])(
  'writes nothing to %s',
  async (path) => {
    await expect(receive(await withPath(path))).rejects.toMatchObject({ code: 'upload.invalid' });
    expect(await readdir(folder, { recursive: true })).toEqual(['build']);
  },
);

it.each([
  ['the model is too large', { 'model.onnx': 'x'.repeat(7000) }],
  ['all together are too large', { 'a.yaml': 'x'.repeat(6000), 'b.csv': 'x'.repeat(6000) }],
  [
    'there are too many',
    Object.fromEntries(['1', '2', '3', '4', '5', '6'].map((n) => [`${n}.txt`, 'x'])),
  ],
])('stops where %s', async (_, files) => {
  await expect(receive(await tarOf(files))).rejects.toMatchObject({ code: 'request.too-large' });
});

it.each([
  ['two models', { 'a.onnx': 'x', 'b.onnx': 'x' }],
  ['a model among bundles', { 'a.onnx': 'x', 'b.flotilla': 'x' }],
  ['neither', { 'notes.txt': 'x' }],
])('does not guess what %s mean', async (_, files) => {
  await expect(receive(await tarOf(files))).rejects.toMatchObject({ code: 'upload.invalid' });
});
