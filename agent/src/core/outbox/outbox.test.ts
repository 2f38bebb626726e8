import { type Ack, decode, FlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createFullDisk } from '../../testing/full-disk.ts';
import { createPowerCutStorage, type Loss, PowerCut } from '../../testing/power-cut-storage.ts';
import type { Storage } from '../ports.ts';
import { OUTBOX_LIMITS, type Outbox, openOutbox } from './outbox.ts';

const SMALL = { maxBytes: 1 << 20, maxAgeMs: 1e12, segmentBytes: 300 };
const ids = () => crypto.randomUUID().replaceAll('-', '').slice(0, 16);
const open = (storage: Storage, limits = SMALL) => openOutbox(storage, ids, limits);
const put = (outbox: Outbox, inferences: number, nowMs: number | null = 1000) =>
  outbox.append('telemetry', { window: { inferences } }, nowMs ?? undefined);
const ack = (outbox: string, ...stored: [number, number][]): Ack => ({
  outbox,
  stored: stored.map(([first, last]) => ({ first, last })),
  rejected: [],
});
const seqs = (outbox: Outbox) => outbox.pending(0, 1e6).map(({ seq }) => seq);

async function read(outbox: Outbox, seq: number) {
  const payload = await outbox.payload(seq);
  return payload === undefined ? undefined : decode('Record', payload);
}

describe('outbox', () => {
  test('keeps its id, its records and its sequence over a restart', async () => {
    const storage = createPowerCutStorage();
    const outbox = await open(storage);
    for (let i = 1; i <= 20; i++) await put(outbox, i);
    const again = await open(storage.restart('nothing'));
    expect(again.id).toBe(outbox.id);
    expect(seqs(again)).toEqual(seqs(outbox));
    expect(await read(again, 7)).toMatchObject({
      outbox: outbox.id,
      seq: 7,
      window: { inferences: 7 },
    });
    expect(await put(again, 21)).toBe(21);
  });

  test('gives the numbers of records that found no room again, so that a gap is a loss', async () => {
    const medium = createPowerCutStorage();
    const disk = createFullDisk(medium);
    const outbox = await open(disk);
    await put(outbox, 1);
    disk.fullFrom(disk.writes);
    for (const refused of await Promise.allSettled([put(outbox, 2), put(outbox, 3)])) {
      expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'storage.full' } });
    }
    disk.fullFrom(Number.POSITIVE_INFINITY);
    expect(await Promise.all([put(outbox, 4), put(outbox, 5)])).toEqual([2, 3]);
    const again = await open(medium.restart('nothing'));
    expect(seqs(again)).toEqual([1, 2, 3]);
    expect(await read(again, 2)).toMatchObject({ seq: 2, window: { inferences: 4 } });
  });

  test('keeps what was added while a write failed, under the numbers that it gave up', async () => {
    const medium = createPowerCutStorage();
    let meanwhile: Promise<number> | undefined;
    let isFull = false;
    const outbox = await open({
      ...medium,
      async append(path, bytes) {
        if (!isFull) return medium.append(path, bytes);
        isFull = false;
        meanwhile = put(outbox, 3);
        throw new FlotillaError('storage.full', { file: path });
      },
    });
    await put(outbox, 1);
    isFull = true;
    await expect(put(outbox, 2)).rejects.toMatchObject({ code: 'storage.full' });
    expect(await meanwhile).toBe(2);
    const again = await open(medium.restart('nothing'));
    expect(seqs(again)).toEqual([1, 2]);
    expect(await read(again, 2)).toMatchObject({ seq: 2, window: { inferences: 3 } });
  });

  test('brings back nothing that it refused, after however many writes that failed', async () => {
    const medium = createPowerCutStorage();
    let failing = 0;
    const outbox = await open({
      ...medium,
      async sync(path) {
        await medium.sync(path);
        if (failing > 0 && failing-- === 1) throw new FlotillaError('storage.full', { file: path });
      },
    });
    await put(outbox, 1);
    failing = 1;
    await Promise.allSettled([put(outbox, 2), put(outbox, 3), put(outbox, 4)]);
    // the sync of the new segment, and of what is written there
    failing = 2;
    await expect(put(outbox, 5)).rejects.toMatchObject({ code: 'storage.full' });
    expect(await put(outbox, 6)).toBe(2);
    const again = await open(medium.restart('nothing'));
    expect(seqs(again)).toEqual([1, 2]);
    expect(await read(again, 2)).toMatchObject({ window: { inferences: 6 } });
  });

  test('removes acknowledged ranges and nothing else', async () => {
    const outbox = await open(createPowerCutStorage());
    for (let i = 1; i <= 6; i++) await put(outbox, i);
    outbox.settle(ack('0000000000000000', [1, 6]));
    outbox.settle(ack(outbox.id, [2, 3], [5, 5], [9, Number.MAX_VALUE]));
    expect(seqs(outbox)).toEqual([1, 4, 6]);
    const rejected = [{ range: { first: 4, last: 4 }, code: 'message.malformed' }];
    outbox.settle({ outbox: outbox.id, stored: [], rejected });
    expect(seqs(outbox)).toEqual([1, 6]);
    expect(outbox.counts()).toMatchObject({ pending: 2, rejected: 1, dropped: 0 });
  });

  test('drops nothing for its age that was made while nobody knew the time', async () => {
    const YEAR_MS = 365 * 86_400_000;
    const limits = { ...SMALL, maxAgeMs: 14 * 86_400_000, segmentBytes: 60 };
    const storage = createPowerCutStorage();
    let outbox = await open(storage, limits);
    for (let i = 1; i <= 4; i++) await put(outbox, i, null);
    await put(outbox, 5, 56 * YEAR_MS);
    expect(seqs(outbox)).toEqual([1, 2, 3, 4, 5]);
    // a clock that nobody vouches for judges nothing, and after a restart all is as it was
    outbox = await open(storage.restart('nothing'), limits);
    await put(outbox, 6, null);
    expect(seqs(outbox)).toEqual([1, 2, 3, 4, 5, 6]);
    await put(outbox, 7, 57 * YEAR_MS);
    await put(outbox, 8, 57 * YEAR_MS);
    expect(seqs(outbox)).toEqual([6, 7, 8]);
    expect(outbox.counts().dropped).toBe(5);
  });

  test('never restarts its sequence, even when everything was acknowledged', async () => {
    let storage = createPowerCutStorage();
    let last = 0;
    for (let round = 0; round < 5; round++) {
      const outbox = await open(storage);
      const seq = await put(outbox, 1);
      expect(seq).toBeGreaterThan(last);
      last = seq;
      outbox.settle(ack(outbox.id, [1, seq]));
      storage = storage.restart('nothing');
    }
  });

  test('drops the oldest records beyond its size and age, and counts them', async () => {
    const outbox = await open(createPowerCutStorage(), { ...SMALL, maxBytes: 1000 });
    for (let i = 1; i <= 60; i++) await put(outbox, i);
    const { pending, dropped, bytes } = outbox.counts();
    expect(pending + dropped).toBe(60);
    expect(bytes).toBeLessThan(1400);
    expect(seqs(outbox).at(-1)).toBe(60);

    const aged = await open(createPowerCutStorage(), { ...SMALL, maxAgeMs: 100 });
    for (let i = 1; i <= 60; i++) await put(aged, i, i * 10);
    expect(aged.counts().dropped).toBeGreaterThan(20);
  });

  test('counts what it dropped over restarts, once, and does not bring it back', async () => {
    const storage = createPowerCutStorage();
    const limits = { ...SMALL, maxAgeMs: 100 };
    const outbox = await open(storage, limits);
    for (let i = 1; i <= 10; i++) await put(outbox, i, 1000);
    await outbox.expire(1100);
    expect(outbox.counts()).toMatchObject({ pending: 10, dropped: 0 });
    await outbox.expire(1101);
    expect(outbox.counts()).toMatchObject({ pending: 0, dropped: 10 });
    let again = await open(storage.restart('nothing'), limits);
    expect(again.counts()).toMatchObject({ pending: 0, dropped: 10 });
    expect(await put(again, 11, 1101)).toBe(11);
    await again.expire(2000);
    expect(again.counts().dropped).toBe(11);
    // a count that cannot be read is no reason not to start
    await storage.write('outbox/dropped.json', new TextEncoder().encode('{"count":-1}'));
    again = await open(storage, limits);
    expect(again.counts().dropped).toBe(0);
  });

  test('expires nothing while nobody knows the time', async () => {
    const outbox = await open(createPowerCutStorage(), { ...SMALL, maxAgeMs: 100 });
    await put(outbox, 1, 1000);
    await outbox.expire(undefined);
    expect(outbox.counts()).toMatchObject({ pending: 1, dropped: 0 });
  });

  test('writes many records at once with few operations', async () => {
    const storage = createPowerCutStorage();
    const outbox = await open(storage, OUTBOX_LIMITS);
    const before = storage.operations;
    await Promise.all(Array.from({ length: 200 }, (_, i) => put(outbox, i)));
    expect(seqs(outbox)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    expect(storage.operations - before).toBeLessThan(12);
  });

  test('never sends what it could not promise, though it may lie on the disk', async () => {
    const storage = createPowerCutStorage();
    const broken = { at: false };
    const outbox = await open({
      ...storage,
      async sync(path) {
        await storage.sync(path);
        if (broken.at) throw new FlotillaError('storage.full', { file: path });
      },
    });
    await put(outbox, 1);
    broken.at = true;
    await expect(put(outbox, 2)).rejects.toMatchObject({ code: 'storage.full' });
    broken.at = false;
    const again = await put(outbox, 2);
    expect(seqs(outbox)).toEqual([1, again]);
    expect(seqs(await open(storage.restart('torn')))).toEqual([1, again]);
  });

  test('loses nothing that it promised, and uses no number twice, whenever the power goes', async () => {
    const losses = fc.constantFrom<Loss>('nothing', 'names', 'torn');
    const lives = fc.array(fc.record({ cutAt: fc.nat(60), loss: losses, settles: fc.nat(40) }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(lives, async (script) => {
        let storage = createPowerCutStorage();
        const promised = new Map<number, number>();
        const settled = new Set<number>();
        let content = 0;
        for (const { cutAt, loss, settles } of script) {
          storage.cutAt(storage.operations + cutAt);
          try {
            const outbox = await open(storage);
            const groups = [1, 2, 3, 1, 4, 1];
            for (const size of groups) {
              const made = Array.from({ length: size }, () => ++content);
              const results = await Promise.allSettled(made.map((n) => put(outbox, n)));
              for (const [i, result] of results.entries()) {
                if (result.status === 'rejected') throw result.reason;
                expect(promised.has(result.value)).toBe(false);
                promised.set(result.value, made[i] ?? 0);
              }
              outbox.settle(ack(outbox.id, [1, settles]));
              for (const seq of promised.keys()) if (seq <= settles) settled.add(seq);
            }
          } catch (error) {
            if (!(error instanceof PowerCut)) throw error;
          }
          storage = storage.restart(loss);
        }
        const outbox = await open(storage);
        for (const [seq, inferences] of promised) {
          const record = await read(outbox, seq);
          if (record === undefined) expect(settled.has(seq)).toBe(true);
          else expect(record).toMatchObject({ seq, window: { inferences } });
        }
      }),
      { numRuns: 150 },
    );
  });
});
