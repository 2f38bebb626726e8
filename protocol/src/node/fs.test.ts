import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../digest.ts';
import { hashFile, writeFileDurably } from './fs.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-fs-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('writing a file durably', () => {
  it('replaces it as a whole, with text, bytes or chunks', async () => {
    const file = join(folder, 'a');
    const contents = ['text', Uint8Array.of(1, 2), [Uint8Array.of(1), Uint8Array.of(2, 3)]];
    const seen: string[] = [];
    for (const content of contents) {
      await writeFileDurably(file, content);
      seen.push((await readFile(file)).toString('hex'));
    }
    expect(seen).toEqual(['74657874', '0102', '010203']);
    expect(await readdir(folder)).toEqual(['a']);
  });

  it('gives a secret the mode that is asked for', async () => {
    const file = join(folder, 'key');
    await writeFileDurably(file, 'secret', { mode: 0o600 });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  it('leaves the old file and no other when it cannot finish', async () => {
    await mkdir(join(folder, 'taken'));
    await writeFile(join(folder, 'a'), 'old');
    await expect(writeFileDurably(join(folder, 'none', 'a'), 'new')).rejects.toThrow(/ENOENT/);
    await expect(writeFileDurably(join(folder, 'taken'), 'new')).rejects.toThrow(/EISDIR/);
    expect(await readdir(folder)).toEqual(['a', 'taken']);
  });

  it('serves writers at the same time', async () => {
    const file = join(folder, 'a');
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(1000));
    await Promise.all(texts.map((text) => writeFileDurably(file, text)));
    expect(texts).toContain(await readFile(file, 'utf8'));
    expect(await readdir(folder)).toEqual(['a']);
  });
});

describe('hashing a file', () => {
  it('gives the digest of its content', async () => {
    const bytes = new Uint8Array(300_000).map((_, i) => i % 251);
    const file = join(folder, 'a');
    await writeFile(file, bytes);
    expect(await hashFile(file)).toBe(await sha256(bytes));
    await expect(hashFile(join(folder, 'none'))).rejects.toThrow(/ENOENT/);
  });
});
