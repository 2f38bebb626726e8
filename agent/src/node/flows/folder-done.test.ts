import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { rememberDone } from './folder-done.ts';

// as on FAT, which no test can mount
vi.mock('node:fs/promises', async (original) => ({
  ...(await original<object>()),
  link: () => Promise.reject(Object.assign(new Error('no hard links'), { code: 'EPERM' })),
}));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-done-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('without hard links too, a file that is done replaces none of its name', async () => {
  const done = await rememberDone(folder, 'move');
  for (const text of ['first', 'second']) {
    await writeFile(join(folder, 'a.png'), text);
    await done.end({ name: 'a.png', label: 'a.png', bytes: text.length, changedMs: 1 }, false);
  }
  expect(await readdir(folder)).toEqual(['done', 'failed']);
  expect(await readFile(join(folder, 'done', 'a.png'), 'utf8')).toBe('first');
  expect(await readFile(join(folder, 'done', '1-a.png'), 'utf8')).toBe('second');
});
