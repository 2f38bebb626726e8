import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ack, decode, encode, newId } from '@flotilla/protocol';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { type DatabaseConfig, type OpenDatabase, openDatabase } from '../db/open.ts';
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

  /** Counts windows in a table of the test's own choice: the audit log's rows will do. */
  function begin(window: IngestHandlers['window']) {
    const { broker, stored, rejected } = recorder();
    const log = pino({ level: 'silent' });
    const outcome: IngestHandlers['outcome'] = async () => ({ stored: true });
    const parts = { ...database, now: Date.now, log, broker };
    return { ingest: createIngest(parts, { outcome, window }), stored, rejected };
  }

  it('deals with every record exactly once, whatever order they come in and however often', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 1, max: 30 }),
        async (seqs, pause) => {
          const device = newId();
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
    const device = newId();
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
    ingest.take('default', newId(), record(1));
    ingest.take('default', newId(), encode('Record', { outbox: OUTBOX, seq: 1 }));
    await ingest.idle();
    expect(stored().size).toBe(0);
    expect(rejected().sort()).toEqual(['record.empty', 'telemetry.invalid']);
  });

  it('refuses an outbox that is made of gaps', async () => {
    const { ingest, rejected } = begin(async () => ({ stored: true }));
    const device = newId();
    for (let seq = 1; seq < 1100; seq += 2) ingest.take('default', device, record(seq));
    await ingest.idle();
    expect(new Set(rejected())).toEqual(new Set(['outbox.fragmented']));
  });
});
