import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import { migrate } from './migrate.ts';
import { connect, type DatabaseConfig, type OpenDatabase, openDatabase } from './open.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());

const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);

describe.each(KINDS)('a %s database', (kind) => {
  let folder: string;
  let config: DatabaseConfig;
  let database: OpenDatabase;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-db-'));
    config =
      kind === 'sqlite'
        ? { kind, file: join(folder, 'fleet.db') }
        : { kind, url: await postgres!.createDatabase() };
    database = await openDatabase(config);
  });
  afterAll(async () => {
    await database.close();
    await rm(folder, { recursive: true });
  });

  const addFleet = (fleet: string, db = database.db) =>
    db
      .insertInto('fleets')
      .values({
        fleet,
        created_ms: 1_800_000_000_000,
        generation: 1,
        halted: 0,
        halt_counter: 0,
        halt_signed: '',
      })
      .execute();

  it('gives milliseconds, counts and sums back as numbers', async () => {
    await addFleet('numbers');
    const row = await database.db
      .selectFrom('fleets')
      .select((e) => ['created_ms', e.fn.countAll<number>().as('n')])
      .select((e) => e.fn.sum<number>('created_ms').as('total'))
      .where('fleet', '=', 'numbers')
      .groupBy('created_ms')
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ created_ms: 1_800_000_000_000, n: 1, total: 1_800_000_000_000 });
  });

  it('sorts keys by bytes', async () => {
    for (const fleet of ['sort-b', 'sort-_', 'sort-B', 'sort-a']) await addFleet(fleet);
    const rows = await database.db
      .selectFrom('fleets')
      .select('fleet')
      .where('fleet', 'like', 'sort-%')
      .orderBy('fleet')
      .execute();
    expect(rows.map((row) => row.fleet)).toEqual(['sort-B', 'sort-_', 'sort-a', 'sort-b']);
  });

  it('keeps transactions that overlap apart: one that fails undoes only itself', async () => {
    const transactions = Array.from({ length: 40 }, (_, i) =>
      database.db.transaction().execute(async (trx) => {
        await addFleet(`batch-${i}`, trx);
        if (i % 3 === 0) throw new Error(`refused ${i}`);
        return i;
      }),
    );
    const settled = await Promise.allSettled(transactions);
    const done = settled.flatMap((s) => (s.status === 'fulfilled' ? [`batch-${s.value}`] : []));
    const rows = await database.db
      .selectFrom('fleets')
      .select('fleet')
      .where('fleet', 'like', 'batch-%')
      .execute();
    expect(rows.map((row) => row.fleet).sort()).toEqual(done.sort());
  });

  it('reads what was acknowledged from a second opening, and does not repeat its migrations', async () => {
    await addFleet('second');
    const again = await openDatabase(config);
    const row = await again.db
      .selectFrom('fleets')
      .selectAll()
      .where('fleet', '=', 'second')
      .execute();
    await again.close();
    expect(row).toHaveLength(1);
  });

  it('refuses data that a newer server has changed', async () => {
    const newer = connect(config);
    const step = { name: '9999_future', up: async () => {} };
    const { MIGRATIONS } = await import('./migrations/index.ts');
    await migrate(newer.db, newer.dialect, 'here', [...MIGRATIONS, step]);
    await newer.close();
    await expect(openDatabase(config)).rejects.toMatchObject({ code: 'server.data-newer' });
    await sql`delete from schema_steps where name = '9999_future'`.execute(database.db);
  });
});

it('says in one line which database cannot be opened, without its password', async () => {
  const url = 'postgres://flotilla:hunter2@127.0.0.1:1/nothing';
  const refused = openDatabase({ kind: 'postgres', url });
  await expect(refused).rejects.toMatchObject({ code: 'server.database-unreachable' });
  await expect(refused).rejects.toThrow(/127\.0\.0\.1:1\/nothing/);
  await expect(refused).rejects.not.toThrow(/hunter2/);
});
