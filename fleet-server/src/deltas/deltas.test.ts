import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { decodeDelta } from '@flotilla/protocol';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { type ArtifactStore, openArtifactFolder } from '../registry/artifacts.ts';
import { nodeFileSystem } from '../registry/file-system.ts';
import { createDeltas, type Deltas } from './deltas.ts';

const DAY_MS = 86_400_000;
const MODEL = randomBytes(300_000);
const TUNED = Buffer.concat([MODEL.subarray(0, 280_000), randomBytes(20_000)]);
const OTHER = randomBytes(300_000);

let folder: string;
let database: OpenDatabase;
let artifacts: ArtifactStore;
let deltas: Deltas;
let now = 100 * DAY_MS;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-deltas-'));
  database = await openDatabase({ kind: 'sqlite', file: join(folder, 'fleet.db') });
  artifacts = await openArtifactFolder(join(folder, 'artifacts'), nodeFileSystem);
  const parts = { db: database.db, now: () => now, log: pino({ level: 'silent' }), artifacts };
  deltas = await createDeltas(parts, join(folder, 'deltas'));
});
afterAll(async () => {
  await deltas.close();
  await database.close();
  await rm(folder, { recursive: true });
});

async function put(bytes: Uint8Array): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  await artifacts.put(digest, bytes);
  return digest;
}

async function pairOf(from: Uint8Array, to: Uint8Array) {
  return { fleet: 'lab', from: await put(from), to: await put(to) };
}

async function readAll(digest: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of artifacts.read(digest)) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}

const inMemory = (bytes: Uint8Array) => ({
  size: bytes.length,
  read: async (at: number, length: number) => bytes.subarray(at, at + length),
});

describe('deltas', () => {
  it('are made when they are first asked for, and make the new blob', async () => {
    const pair = await pairOf(MODEL, TUNED);
    expect(await deltas.find(pair)).toEqual({ kind: 'making' });
    await deltas.idle();
    const found = await deltas.find(pair);
    if (found.kind !== 'ready') throw new Error(found.kind);
    expect(found.size).toBeLessThan(TUNED.length / 10);
    const made: Uint8Array[] = [];
    for await (const part of decodeDelta({
      from: inMemory(MODEL),
      delta: inMemory(await readAll(found.digest)),
      toSize: TUNED.length,
      decompress: async (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }),
    })) {
      made.push(part);
    }
    expect(Buffer.concat(made).equals(TUNED)).toBe(true);
  });

  it('are none where they save too little, or a blob is gone', async () => {
    const strange = await pairOf(MODEL, OTHER);
    const gone = { ...strange, from: `sha256:${'0'.repeat(64)}` };
    for (const pair of [strange, gone]) expect(await deltas.find(pair)).toEqual({ kind: 'making' });
    await deltas.idle();
    expect(await deltas.find(strange)).toEqual({
      kind: 'none',
      reason: 'it would save less than 30 %',
    });
    expect(await deltas.find(gone)).toEqual({ kind: 'none', reason: 'a blob is gone' });
  });

  it('are kept while devices ask for them, and deleted a month later', async () => {
    const pair = await pairOf(MODEL, TUNED);
    const found = await deltas.find(pair);
    if (found.kind !== 'ready') throw new Error(found.kind);
    now += 20 * DAY_MS;
    await deltas.find(pair);
    now += 20 * DAY_MS;
    await deltas.collect();
    expect(await artifacts.stat(found.digest)).toMatchObject({ size: found.size });
    now += 20 * DAY_MS;
    await deltas.collect();
    expect(await artifacts.stat(found.digest)).toBe(undefined);
    expect(await deltas.find(pair)).toEqual({ kind: 'making' });
    await deltas.idle();
    expect(await deltas.find(pair)).toEqual(found);
  });
});
