import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { tarStream } from './tar-stream.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-tar-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function pack(sources: { path: string; file: string }[]): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of tarStream(sources)) chunks.push(chunk);
  const archive = join(folder, 'upload.tar');
  await writeFile(archive, Buffer.concat(chunks));
  return archive;
}

test('GNU tar unpacks what is sent, with long and foreign names', async () => {
  const names = ['model.onnx', `calibration/${'long'.repeat(40)}.jpg`, 'evaluation/größe 1.jpg'];
  const sources = [];
  for (const [index, path] of names.entries()) {
    const file = join(folder, `source-${index}`);
    await writeFile(file, `content of ${index}`.repeat(index * 100));
    sources.push({ path, file });
  }
  const archive = await pack(sources);
  const out = join(folder, 'out');
  await mkdir(out);
  execFileSync('tar', ['-xf', archive, '-C', out]);
  for (const [index, path] of names.entries()) {
    expect(await readFile(join(out, path), 'utf8')).toBe(`content of ${index}`.repeat(index * 100));
  }
});

test('a file that is missing is an error, not a short archive', async () => {
  await expect(pack([{ path: 'model.onnx', file: join(folder, 'none') }])).rejects.toThrow(
    'ENOENT',
  );
});
