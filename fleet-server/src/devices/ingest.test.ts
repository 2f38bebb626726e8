import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ack, decode, encode, newId } from '@flotilla/protocol';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { type DatabaseConfig, type OpenDatabase, openDatabase } from '../db/open.ts';
import type { DeviceStatus } from '../db/schema.ts';
import type { Broker } from '../mqtt/port.ts';
import { createIngest } from './ingest.ts';
import type { IngestHandlers } from './ingest-port.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());
const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);

/** Takes every message, and remembers the acknowledgements. */
function recorder() {
  const acks: Ack[] = [];
  const broker: Broker = {
    url: '',
    async publish(_topic, payload) {
      acks.push(decode('Ack', payload));
    },
    onUp() {},
    onReconnect() {},
    provision: async () => undefined,
    async revoke() {},
    async close() {},
  };
  const seqs = (ranges: readonly { readonly first: number; readonly last: number }[]) =>
    ranges.flatMap(({ first, last }) =>
      Array.from({ length: last - first + 1 }, (_, i) => first + i),
    );
  return {
    broker,
    stored: () => new Set(acks.flatMap((ack) => seqs(ack.stored))),
    rejected: () => acks.flatMap((ack) => ack.rejected.map(({ code }) => code)),
  };
}

describe.each(KINDS)('ingestion on %s', (kind) => {
  let folder: string;
  let database: OpenDatabase;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-ingest-'));
    const config: DatabaseConfig =
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() };
    database = await openDatabase(config);
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const OUTBOX = 'aaaabbbbccccdddd';
  const record = (seq: number, model = 'parts') =>
    encode('Record', { outbox: OUTBOX, seq, window: { model } });

  /** A device that was accepted. */
  async function enroll(status: DeviceStatus = 'accepted'): Promise<string> {
    const device = newId();
    const text = { name: '', public_key: '{}', target: '', tags: '{}', capabilities: '{}' };
    const lists = { agent_version: '', active: '[]', digests: '[]' };
    const counts = {
      protocol_minor: 0,
      enrolled_ms: 0,
      connect_seq: 0,
      last_seen_ms: 0,
      revision: 1,
      edits: 0,
    };
    const flags = { target_fixed: 0, online: 0 } as const;
    await database.db
      .insertInto('devices')
      .values({ fleet: 'default', device, status, ...text, ...lists, ...counts, ...flags })
      .execute();
    return device;
  }

  function begin(window: IngestHandlers['window']) {
    const { broker, stored, rejected } = recorder();
    const log = pino({ level: 'silent' });
    const outcome: IngestHandlers['outcome'] = async () => ({ stored: true });
    const running: IngestHandlers['running'] = async () => ({ stored: true });
    const rollUp: IngestHandlers['rollUp'] = async () => undefined;
    const parts = { ...database, now: Date.now, log, broker };
    const handlers = { outcome, window, running, rollUp };
    return { ingest: createIngest(parts, handlers), stored, rejected };
  }

  it('deals with every record exactly once, whatever order they come in and however often', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 30 }),
        async (seqs, pause) => {
          const device = await enroll();
          const handled: number[] = [];
          const { ingest, stored } = begin(async (_trx, source) => {
            expect(source.device).toBe(device);
            return { stored: true, after: () => handled.push(1) };
          });
          for (const [i, seq] of seqs.entries()) {
            ingest.take('default', device, record(seq));
            if (i % pause === 0) await ingest.idle();
          }
          await ingest.idle();
          expect(stored()).toEqual(new Set(seqs));
          expect(handled).toHaveLength(new Set(seqs).size);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('does not acknowledge what could not be stored, and lets no record hold up the others', async () => {
    let broken = true;
    const { ingest, stored } = begin(async (_trx, _source, { model }) => {
      if (model === 'poison' && broken) throw new Error('disk is full');
      return { stored: true };
    });
    const device = await enroll();
    for (const seq of [1, 2, 3]) {
      ingest.take('default', device, record(seq, seq === 2 ? 'poison' : 'parts'));
    }
    await ingest.idle();
    expect(stored()).toEqual(new Set([1, 3]));
    broken = false;
    ingest.take('default', device, record(2));
    await ingest.idle();
    expect(stored()).toEqual(new Set([1, 2, 3]));
  });

  it('says which records it will never store', async () => {
    const { ingest, stored, rejected } = begin(async () => ({
      stored: false,
      code: 'telemetry.invalid',
    }));
    ingest.take('default', await enroll(), record(1));
    ingest.take('default', await enroll(), encode('Record', { outbox: OUTBOX, seq: 1 }));
    await ingest.idle();
    expect(stored().size).toBe(0);
    expect(rejected().sort()).toEqual(['record.empty', 'telemetry.invalid']);
  });

  it('closes the oldest gaps of an outbox that has many, and takes what comes after', async () => {
    const { ingest, stored } = begin(async () => ({ stored: true }));
    const device = await enroll();
    const seqs = Array.from({ length: 700 }, (_, i) => 2 * i + 1);
    for (const seq of seqs) ingest.take('default', device, record(seq));
    await ingest.idle();
    expect(stored()).toEqual(new Set(seqs));
    const { ranges } = await database.db
      .selectFrom('outboxes')
      .select('ranges')
      .where('device', '=', device)
      .executeTakeFirstOrThrow();
    const kept = JSON.parse(ranges) as [number, number][];
    expect(kept).toHaveLength(500);
    expect([kept[0]?.[0], kept.at(-1)]).toEqual([1, [1399, 1399]]);
  });

  it('remembers the newest outboxes of a device that makes ever more of them', async () => {
    const { ingest } = begin(async () => ({ stored: true }));
    const device = await enroll();
    const outboxes = Array.from({ length: 40 }, (_, i) => i.toString(16).padStart(16, '0'));
    for (const outbox of outboxes) {
      ingest.take('default', device, encode('Record', { outbox, seq: 1, window: {} }));
      await ingest.idle();
    }
    const rows = await database.db
      .selectFrom('outboxes')
      .select('outbox')
      .where('device', '=', device)
      .execute();
    expect(rows).toHaveLength(16);
  });

  it('does not hear devices that are unknown, waiting or revoked', async () => {
    const handled: string[] = [];
    const { ingest, stored, rejected } = begin(async (_trx, { device }) => {
      handled.push(device);
      return { stored: true };
    });
    const accepted = await enroll();
    for (const device of [newId(), await enroll('pending'), await enroll('revoked'), accepted]) {
      ingest.take('default', device, record(1));
    }
    await ingest.idle();
    expect(handled).toEqual([accepted]);
    expect([stored().size, rejected()]).toEqual([1, []]);
  });

  it('drops what it has no memory for; the devices repeat it', async () => {
    const { ingest, stored } = begin(async () => ({ stored: true }));
    const device = await enroll();
    const large = (seq: number) => record(seq, 'x'.repeat(1_000_000));
    for (let seq = 1; seq <= 80; seq++) ingest.take('default', device, large(seq));
    await ingest.idle();
    const first = stored().size;
    expect(first).toBeGreaterThan(50);
    expect(first).toBeLessThan(80);
    for (let seq = 1; seq <= 80; seq++) {
      if (!stored().has(seq)) ingest.take('default', device, large(seq));
    }
    await ingest.idle();
    expect(stored().size).toBe(80);
  });
});
