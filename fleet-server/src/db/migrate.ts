import { FlotillaError } from '@flotilla/protocol';
import { type Kysely, sql } from 'kysely';
import type { SqlDialect } from './dialect.ts';
import { MIGRATIONS, type Migration } from './migrations/index.ts';
import type { Database } from './schema.ts';

/**
 * Brings the schema up to the newest step, all in one transaction.
 *
 * @param where what the database is called in an error: its file or its URL without the password
 * @throws FlotillaError `server.data-newer` when a newer server has already changed the schema
 */
export async function migrate(
  db: Kysely<Database>,
  dialect: SqlDialect,
  where: string,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await dialect.lock(trx, 'flotilla migrations');
    await sql`create table if not exists schema_steps (name text primary key, applied_ms bigint not null)`.execute(
      trx,
    );
    const { rows } = await sql<{ name: string }>`select name from schema_steps`.execute(trx);
    const applied = new Set(rows.map((row) => row.name));
    refuseNewer(applied, migrations, where);
    for (const step of migrations) {
      if (applied.has(step.name)) continue;
      await step.up(trx, dialect);
      await sql`insert into schema_steps (name, applied_ms) values (${step.name}, ${Date.now()})`.execute(
        trx,
      );
    }
  });
}

function refuseNewer(
  applied: ReadonlySet<string>,
  migrations: readonly Migration[],
  where: string,
): void {
  const known = new Set(migrations.map((step) => step.name));
  const unknown = [...applied].find((name) => !known.has(name));
  if (unknown !== undefined) throw new FlotillaError('server.data-newer', { where, step: unknown });
}
