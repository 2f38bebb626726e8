import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { replaceFile, type Storage } from '../core/index.ts';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { createFileStorage } from './file-storage.ts';

let root: string;
let runs = 0;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'flotilla-storage-'));
});
afterAll(() => rm(root, { recursive: true }));

type Operation = readonly ['write' | 'append' | 'remove' | 'replace', number, Uint8Array];

async function apply(storage: Storage, [kind, file, bytes]: Operation): Promise<void> {
  const path = `a/${file}`;
  if (kind === 'write') await storage.write(path, bytes);
  if (kind === 'append') await storage.append(path, bytes);
  if (kind === 'remove') await storage.remove(path);
  if (kind === 'replace') await replaceFile(storage, path, bytes);
}

async function look(storage: Storage) {
  const names = await storage.list('a');
  return Promise.all(
    names.map(async (name) => {
      const path = `a/${name}`;
      const whole = (await storage.read(path)) ?? new Uint8Array();
      const range = (await storage.readRange(path, 2, 3)) ?? new Uint8Array();
      return [name, [...whole], [...range], await storage.size(path)];
    }),
  );
}

describe('file storage', () => {
  test('does what the storage in memory does, that power cuts are tested with', async () => {
    const operation = fc.tuple(
      fc.constantFrom('write', 'append', 'remove', 'replace'),
      fc.nat(2),
      fc.uint8Array({ maxLength: 8 }),
    ) as fc.Arbitrary<Operation>;
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 12 }), async (operations) => {
        const [disk, memory] = [createFileStorage(root), createPowerCutStorage()];
        const folder = `run${runs++}`;
        const below = createFileStorage(join(root, folder));
        await disk.makeFolder(`${folder}/a`);
        await memory.makeFolder('a');
        for (const step of operations) {
          await apply(below, step);
          await apply(memory, step);
        }
        expect(await look(below)).toEqual(await look(memory));
      }),
      { numRuns: 40 },
    );
  });

  test('says that the disk is full', async () => {
    const dev = createFileStorage('/dev');
    const one = Uint8Array.of(1);
    for (const full of [dev.write('full', one), dev.append('full', one)]) {
      await expect(full).rejects.toMatchObject({ code: 'storage.full', context: { file: 'full' } });
    }
  });

  test('answers undefined for what is not there', async () => {
    const storage = createFileStorage(root);
    expect(await storage.read('none')).toBe(undefined);
    expect(await storage.readRange('none', 0, 1)).toBe(undefined);
    expect(await storage.size('none')).toBe(undefined);
    expect(await storage.list('none')).toEqual([]);
    expect(await storage.free()).toBeGreaterThan(0);
  });
});
