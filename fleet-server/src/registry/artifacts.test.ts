import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CutMode, PowerCut, PowerCutDisk } from '../../../test/support/power-cut.ts';
import { type ArtifactStore, openArtifactFolder } from './artifacts.ts';
import { nodeFileSystem } from './file-system.ts';

const digestOf = (bytes: Uint8Array) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const blobs = Array.from({ length: 4 }, (_, i) => new Uint8Array(100 + i).fill(i + 1));

async function bytesOf(stream: Readable): Promise<Buffer> {
  return Buffer.concat(await stream.toArray());
}

describe('an artifact folder on a real disk', () => {
  let root: string;
  let store: ArtifactStore;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'flotilla-artifacts-'));
    store = await openArtifactFolder(root, nodeFileSystem);
  });
  afterAll(() => rm(root, { recursive: true }));

  it('serves whole blobs and ranges of them', async () => {
    const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
    const digest = digestOf(bytes);
    await store.put(digest, bytes);
    await store.put(digest, bytes);
    expect(await store.stat(digest)).toEqual({ digest, size: 1000 });
    expect(await bytesOf(store.read(digest))).toEqual(Buffer.from(bytes));
    const range = store.read(digest, { first: 10, last: 19 });
    expect(await bytesOf(range)).toEqual(Buffer.from(bytes.slice(10, 20)));
  });

  it('refuses bytes that are not those of their digest', async () => {
    const digest = digestOf(new Uint8Array([1]));
    const wrong = store.put(digest, new Uint8Array([2]));
    await expect(wrong).rejects.toMatchObject({ code: 'bundle.digest-mismatch' });
    expect(await store.stat(digest)).toBeUndefined();
  });

  it('does not take a path for a digest', async () => {
    expect(await store.stat('sha256:../../etc/passwd')).toBeUndefined();
    expect(() => store.read('sha256:../../etc/passwd')).toThrow(RangeError);
  });
});

async function storeAll(disk: PowerCutDisk, acknowledged: Set<string>): Promise<void> {
  const store = await openArtifactFolder('/artifacts', disk);
  for (const blob of blobs) {
    await store.put(digestOf(blob), blob);
    acknowledged.add(digestOf(blob));
  }
}

/** Cuts the power after `cut` operations, starts again, and looks at what there is. */
async function cutAndReopen(cut: number, mode: CutMode): Promise<boolean> {
  const disk = new PowerCutDisk();
  const acknowledged = new Set<string>();
  disk.cutAfter(cut);
  const finished = await storeAll(disk, acknowledged).then(
    () => true,
    (error) => {
      expect(error).toBeInstanceOf(PowerCut);
      return false;
    },
  );
  disk.restart(mode);
  const store = await openArtifactFolder('/artifacts', disk);
  for (const blob of blobs) {
    const digest = digestOf(blob);
    const info = await store.stat(digest);
    if (acknowledged.has(digest)) expect(info).toBeDefined();
    if (info !== undefined) expect(digestOf(await bytesOf(store.read(digest)))).toBe(digest);
  }
  await storeAll(disk, acknowledged);
  expect(acknowledged.size).toBe(blobs.length);
  return finished;
}

describe.each<CutMode>(['names-lost', 'names-kept'])(
  'a power cut at every operation (%s)',
  (mode) => {
    it('loses no acknowledged artifact and serves none in part', async () => {
      let cut = 0;
      while (!(await cutAndReopen(cut, mode))) cut++;
      expect(cut).toBeGreaterThan(20);
    });

    it('also when the power fails twice', async () => {
      for (let first = 3; first < 30; first += 4) {
        const disk = new PowerCutDisk();
        const acknowledged = new Set<string>();
        for (const cut of [first, 7]) {
          disk.cutAfter(cut);
          await storeAll(disk, acknowledged).catch(() => undefined);
          disk.restart(mode);
        }
        const store = await openArtifactFolder('/artifacts', disk);
        for (const digest of acknowledged) {
          expect(digestOf(await bytesOf(store.read(digest)))).toBe(digest);
        }
      }
    });
  },
);
