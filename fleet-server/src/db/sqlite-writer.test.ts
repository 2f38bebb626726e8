import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { type Kysely, sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connect, type OpenDatabase } from './open.ts';
import type { Database } from './schema.ts';

let folder: string;
let database: OpenDatabase;
let db: Kysely<Database>;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-writer-'));
  database = connect({ kind: 'sqlite', file: join(folder, 'test.db') });
  db = database.db;
  await sql`create table numbers (n integer primary key)`.execute(db);
});
afterEach(async () => {
  await database.close();
  await rm(folder, { recursive: true });
});

const insert = (n: number, on: Kysely<Database> = db) =>
  sql`insert into numbers values (${n})`.execute(on);
const numbers = async (on: Kysely<Database> = db) =>
  (await sql<{ n: number }>`select n from numbers order by n`.execute(on)).rows.map(({ n }) => n);

it('shows nothing of a transaction before it is acknowledged, and all of it after', async () => {
  const seen: number[][] = [];
  await db.transaction().execute(async (trx) => {
    await insert(1, trx);
    seen.push(await numbers());
    seen.push(await numbers(trx));
  });
  seen.push(await numbers());
  expect(seen).toEqual([[], [1], [1]]);
});

it('lets statements that wait behind each other fail alone', async () => {
  const settled = await Promise.allSettled([1, 2, 2, 3, 3, 4].map((n) => insert(n)));
  expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(2);
  expect(await numbers()).toEqual([1, 2, 3, 4]);
});

it('goes on after a transaction that fails at a statement of its own', async () => {
  const work = [5, 6, 7].map((n) =>
    db.transaction().execute(async (trx) => {
      await insert(n, trx);
      if (n === 6) await sql`insert into nowhere values (1)`.execute(trx);
    }),
  );
  const [, failed] = await Promise.allSettled(work);
  expect(failed).toMatchObject({ reason: { message: expect.stringContaining('nowhere') } });
  expect(await numbers()).toEqual([5, 7]);
});

it('takes pieces of work beside each other into one transaction, all of them or none', async () => {
  const sums: number[] = [];
  const take = (ns: readonly number[]) =>
    database.transactAll(
      ns,
      async (trx, n) => {
        await insert(n, trx);
        await insert(n + 100, trx);
        return n;
      },
      async (trx, done) => void sums.push(done.length, (await numbers(trx)).length),
    );
  expect(await take([1, 2, 3])).toEqual([1, 2, 3]);
  expect(sums).toEqual([3, 6]);
  const beside = insert(50);
  await expect(take([4, 5, 103, 6])).rejects.toThrow(/UNIQUE/);
  await beside;
  expect(await numbers()).toEqual([1, 2, 3, 50, 101, 102, 103]);
});

it('runs nothing by itself of a transaction that could not begin', async () => {
  const other = new Sqlite(join(folder, 'test.db'));
  other.exec('begin immediate');
  const work = db.transaction().execute(async (trx) => {
    await Promise.allSettled([insert(1, trx), insert(2, trx)]);
    await insert(3, trx);
  });
  await expect(work).rejects.toMatchObject({ code: 'SQLITE_BUSY' });
  other.exec('commit');
  other.close();
  await insert(4);
  expect(await numbers()).toEqual([4]);
}, 20_000);

it('answers with a plain error once it is closed', async () => {
  const other = connect({ kind: 'sqlite', file: join(folder, 'test.db') });
  await sql`select 1`.execute(other.db);
  await other.close();
  await expect(sql`select 1`.execute(other.db)).rejects.toThrow();
});

it('keeps the event loop free while it works', async () => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await sql`with recursive c(n) as (select 1 union all select n + 1 from c where n < 3000000) insert into numbers select n + 100 from c where n % 1000 = 0`.execute(
    db,
  );
  clearInterval(timer);
  expect(ticks).toBeGreaterThan(5);
});
