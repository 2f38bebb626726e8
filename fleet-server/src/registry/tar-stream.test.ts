import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readTarStream } from '@flotilla/protocol/node';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tarOf } from '../testing/uploads.ts';

const run = promisify(execFile);

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function readAll(bytes: Uint8Array, size = 777): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for await (const file of readTarStream(inPieces(bytes, size))) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of file.content) chunks.push(chunk.slice());
    files[file.path] = Buffer.concat(chunks).toString();
  }
  return files;
}

const long = `calibration/${'a long name '.repeat(15)}.jpg`;
const files = {
  'model.onnx': 'm'.repeat(5000),
  'labels.txt': '',
  'calibration/été 1.jpg': 'image',
  [long]: 'long',
};
const expected = Object.fromEntries(
  Object.entries(files).map(([path, text]) => [`./${path}`, text]),
);

describe.each(['gnu', 'pax'] as const)('an archive in the %s format', (format) => {
  it('reads as GNU tar wrote it, however the stream is cut up', async () => {
    const tar = await tarOf(files, format);
    for (const size of [1, 511, 512, 100_000]) expect(await readAll(tar, size)).toEqual(expected);
  });
});

it('may leave a file unread', async () => {
  const tar = await tarOf(files);
  const paths: string[] = [];
  for await (const { path } of readTarStream(inPieces(tar, 700))) paths.push(path);
  expect(paths.sort()).toEqual(Object.keys(expected).sort());
});

it('never reads a damaged or truncated archive as whole', async () => {
  const tar = await tarOf({ 'model.onnx': 'm'.repeat(2000) });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 3000 }), async (length) => {
      await expect(readAll(tar.subarray(0, length))).rejects.toMatchObject({
        code: 'upload.invalid',
      });
    }),
    { numRuns: 40 },
  );
  const damaged = Uint8Array.from(tar);
  damaged[512 + 10] = 0xff;
  await expect(readAll(damaged)).rejects.toMatchObject({ code: 'upload.invalid' });
});

it('refuses links', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-link-'));
  await symlink('/etc/passwd', join(folder, 'model.onnx'));
  const args = ['-cf', '-', '-C', folder, '.'];
  const { stdout } = await run('tar', args, { encoding: 'buffer' });
  await rm(folder, { recursive: true });
  await expect(readAll(stdout)).rejects.toMatchObject({ code: 'upload.invalid' });
});

it('ends an archive that goes on with headers for ever', async () => {
  const folderHeader = (await tarOf({})).subarray(0, 512);
  async function* endless() {
    for (;;) yield Buffer.concat(Array.from({ length: 1000 }, () => folderHeader));
  }
  const reading = (async () => {
    for await (const { path } of readTarStream(endless())) expect(path).toBe('');
  })();
  await expect(reading).rejects.toMatchObject({ code: 'upload.invalid' });
});
