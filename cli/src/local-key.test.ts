import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { localKey } from './local-key.ts';

let home = '';
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'flotilla-key-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test('the key is made at first use, kept, and readable by its owner only', async () => {
  const first = await localKey(home);
  const second = await localKey(home);
  expect([first.isNew, second.isNew]).toEqual([true, false]);
  expect(second.keyPair).toEqual(first.keyPair);
  expect((await stat(first.file)).mode & 0o777).toBe(0o600);
});

test('a file that is no key is refused by name and left alone', async () => {
  const file = join(home, 'signing-key.json');
  await writeFile(file, '{"publicKey": 7}');
  await expect(localKey(home)).rejects.toThrow(`${file} is not a signing key`);
  expect(await readFile(file, 'utf8')).toBe('{"publicKey": 7}');
});

test('a home that cannot hold a key is named', async () => {
  const file = join(home, 'file');
  await writeFile(file, '');
  await expect(localKey(file)).rejects.toThrow(
    /FLOTILLA_HOME: no key can be kept in .*file \(ENOTDIR/,
  );
});
