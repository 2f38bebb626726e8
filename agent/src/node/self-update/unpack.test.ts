import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { unpackLayers } from './unpack.ts';

const BLOCK = 512;
const SIGNAL = new AbortController().signal;

let folder: string;
let place: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-unpack-'));
  place = join(folder, 'a');
});
afterEach(() => rm(folder, { recursive: true }));

/** A tar whose paths may be anything; type `2` is a symbolic link. */
function tarOf(files: readonly (readonly [path: string, text: string, type?: string])[]): Buffer {
  const blocks = files.flatMap(([path, text, type = '0']) => {
    const header = Buffer.alloc(BLOCK);
    header.write(path, 0);
    header.write('0000644\0', 100);
    header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('        ', 148);
    header.write(type, 156);
    header.write('ustar\u000000', 257);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const content = Buffer.alloc(Math.ceil(text.length / BLOCK) * BLOCK);
    content.write(text);
    return [header, content];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

async function layerOf(bytes: Uint8Array, name = 'layer'): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, bytes);
  return file;
}

const packed = (...files: Parameters<typeof tarOf>[0]) => layerOf(zstdCompressSync(tarOf(files)));

const unpack = (layers: readonly string[], limits: object = {}) =>
  unpackLayers(layers, place, { files: 10, unpackedBytes: 1_000, ...limits }, SIGNAL);

describe('unpacking a release', () => {
  test('lays the files of all layers out, and lets programs run', async () => {
    const first = await packed(['flotilla-agent', '#!/bin/sh'], ['bin/node', 'node']);
    const second = await layerOf(
      zstdCompressSync(tarOf([['lib/node_modules/@img/x.so', 'library']])),
      'second',
    );
    await unpack([first, second]);
    expect(await readFile(join(place, 'lib/node_modules/@img/x.so'), 'utf8')).toBe('library');
    for (const [path, mode] of [
      ['flotilla-agent', 0o755],
      ['bin/node', 0o755],
      ['lib/node_modules/@img/x.so', 0o644],
    ] as const) {
      expect((await stat(join(place, path))).mode & 0o777 & ~0o022).toBe(mode);
    }
  });

  test('leaves nothing of what lay there', async () => {
    await mkdir(place);
    await writeFile(join(place, 'half'), 'of an earlier attempt');
    await unpack([await packed(['new', 'new'])]);
    expect(await readdir(place)).toEqual(['new']);
  });

  test.each([
    '../escaped',
    '/etc/escaped',
    'lib/../../escaped',
    './escaped',
    'lib//escaped',
    'lib\\escaped',
    '.hidden',
    'a b',
  ])('refuses the path %j', async (path) => {
    await expect(unpack([await packed([path, 'x'])])).rejects.toMatchObject({
      code: 'bundle.invalid',
    });
    expect((await readdir(folder)).sort()).toEqual(['a', 'layer']);
  });

  test('refuses a link, a file that comes twice, and one below another', async () => {
    const link = await packed(['link', '', '2']);
    await expect(unpack([link])).rejects.toThrow('neither a file nor a folder');
    const twice = await packed(['x', '1'], ['x', '2']);
    await expect(unpack([twice])).rejects.toThrow('x comes twice');
    const below = await packed(['x', '1'], ['x/y', '2']);
    await expect(unpack([below])).rejects.toMatchObject({ code: 'bundle.invalid' });
  });

  test('refuses more files or bytes than the release names, before they are written', async () => {
    const layer = await packed(['x', 'x'.repeat(600)], ['y', 'y'.repeat(600)]);
    await expect(unpack([layer])).rejects.toThrow('1000 bytes');
    expect(await readdir(place)).toEqual(['x']);
    await expect(unpack([layer], { files: 1 })).rejects.toThrow('1 files');
  });

  test('refuses what is cut off or no archive', async () => {
    const whole = zstdCompressSync(tarOf([['x', 'x'.repeat(600)]]));
    for (const bytes of [whole.subarray(0, -4), Buffer.from('no archive'), Buffer.alloc(0)]) {
      await expect(unpack([await layerOf(bytes)])).rejects.toMatchObject({
        code: 'bundle.invalid',
      });
    }
  });

  test('ends when it is told to', async () => {
    const layer = await packed(['x', 'x']);
    const limits = { files: 10, unpackedBytes: 1_000 };
    const unpacking = unpackLayers([layer], place, limits, AbortSignal.abort());
    await expect(unpacking).rejects.toMatchObject({ name: 'AbortError' });
  });
});
