import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTar, type TarEntry, writeTar } from './tar.ts';

const run = promisify(execFile);
const utf8 = (text: string) => new TextEncoder().encode(text);
const join1 = (chunks: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(chunks));
const LIMITS = { maxEntries: 64 };

const ENTRIES: TarEntry[] = [
  { name: 'oci-layout', bytes: utf8('{}') },
  { name: `blobs/sha256/${'a'.repeat(64)}`, bytes: new Uint8Array(1000).fill(7) },
  { name: 'tuf/1.root.json', bytes: new Uint8Array(512).fill(1) },
  { name: 'empty', bytes: new Uint8Array() },
];

describe('GNU tar', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-tar-'));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('lists and unpacks what we write', async () => {
    const file = join(folder, 'a.tar');
    await writeFile(file, join1(writeTar(ENTRIES)));
    const list = await run('tar', ['--utc', '-tvf', file]);
    const line = (size: string, name: string) =>
      `-rw-r--r-- root/root ${size.padStart(9)} 1970-01-01 00:00 ${name}`;
    const widths = list.stdout.trimEnd().replaceAll(/ +(?=\d+ 1970)/g, ' ');
    const expected = ENTRIES.map(({ name, bytes }) => line(`${bytes.length}`, name)).join('\n');
    expect(list.stderr).toBe('');
    expect(widths).toBe(expected.replaceAll(/ +(?=\d+ 1970)/g, ' '));
    await run('tar', ['-xf', file, '-C', folder]);
    for (const { name, bytes } of ENTRIES) {
      expect(new Uint8Array(await readFile(join(folder, name)))).toEqual(bytes);
    }
  });

  it('writes nothing that we take, but for what we would have written', async () => {
    await writeFile(join(folder, 'x'), 'x');
    await run('tar', ['--format=ustar', '-cf', join(folder, 'b.tar'), '-C', folder, 'x']);
    const foreign = readTar(await readFile(join(folder, 'b.tar')), LIMITS);
    expect(foreign).toMatchObject({ ok: false });
  });
});

const name = fc
  .array(fc.stringMatching(/^[a-z0-9-]{1,8}$/), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join('/'));
const entries = fc.uniqueArray(fc.record({ name, bytes: fc.uint8Array({ maxLength: 1500 }) }), {
  selector: (entry) => entry.name,
  maxLength: 6,
});

describe('an archive', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(entries, (list) => {
        expect(readTar(join1(writeTar(list)), LIMITS)).toEqual({ ok: true, entries: list });
      }),
    );
  });

  it('is refused when a byte outside the content was changed, or the end is missing', () => {
    const archive = join1(writeTar(ENTRIES));
    const content = new Set<number>();
    const taken = readTar(archive, LIMITS);
    if (!taken.ok) throw new Error(taken.reason);
    for (const { bytes } of taken.entries) {
      for (let i = 0; i < bytes.length; i++) content.add(bytes.byteOffset + i);
    }
    for (let i = 0; i < archive.length; i++) {
      if (content.has(i)) continue;
      const damaged = archive.slice();
      damaged[i] = (damaged[i] ?? 0) ^ 0x11;
      expect(readTar(damaged, LIMITS), `byte ${i}`).toMatchObject({ ok: false });
    }
    for (const length of [0, 1, 511, 512, 1024, archive.length - 512, archive.length - 1]) {
      expect(readTar(archive.subarray(0, length), LIMITS)).toMatchObject({ ok: false });
    }
    expect(readTar(join1([archive, new Uint8Array(512)]), LIMITS)).toMatchObject({ ok: false });
  });

  it('says that another file is none, without what is in it', () => {
    const text = utf8('# A page of text\n'.repeat(100));
    expect(readTar(text, LIMITS)).toEqual({ ok: false, reason: 'it is no tar archive' });
  });

  it('is refused with a name twice, or with more entries than allowed', () => {
    const one = { name: 'a', bytes: utf8('a') };
    const twice = readTar(join1(writeTar([one, one])), LIMITS);
    expect(twice).toEqual({ ok: false, reason: 'it holds a twice' });
    const many = readTar(join1(writeTar([one, { ...one, name: 'b' }])), { maxEntries: 1 });
    expect(many).toEqual({ ok: false, reason: 'more than 1 entries' });
  });

  it('is refused with names that climb or start at the root', () => {
    const plain = join1(writeTar([{ name: 'aa/b', bytes: new Uint8Array() }]));
    for (const bad of ['../b', '/a/b', './ab', 'a//b', 'aa/.']) {
      const header = plain.slice();
      header.fill(0, 0, 100);
      header.set(utf8(bad));
      header.set(utf8('        '), 148);
      const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      header.set(utf8(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
      expect(readTar(header, LIMITS), bad).toMatchObject({ ok: false });
    }
  });

  it('cannot be written with a name that does not fit', () => {
    const bytes = new Uint8Array();
    for (const bad of ['', 'a'.repeat(101), '../a', 'ä', 'a b']) {
      expect(() => writeTar([{ name: bad, bytes }]), bad).toThrow(RangeError);
    }
  });
});
