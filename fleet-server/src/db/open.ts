import { asFlotillaError, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { allBeside } from '../beside.ts';
import { DIALECTS, type SqlDialect, type TransactAll } from './dialect.ts';
import { migrate } from './migrate.ts';
import type { Database } from './schema.ts';
import { SqliteThreadDriver, sqliteThreadDialect } from './sqlite-driver.ts';

export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string };

/** The database with its schema up to date, and what differs between the kinds. */
export interface OpenDatabase {
  readonly db: Kysely<Database>;
  readonly dialect: SqlDialect;
  readonly transactAll: TransactAll['transactAll'];
  close(): Promise<void>;
}

/** Opens without touching the schema: `openDatabase` is what a server wants. */
export function connect(config: DatabaseConfig): OpenDatabase {
  return config.kind === 'sqlite' ? connectSqlite(config.file) : connectPostgres(config.url);
}

/** One thread writes: statements of several pieces of work travel to it together. */
function connectSqlite(file: string): OpenDatabase {
  const driver = new SqliteThreadDriver(file);
  const db = new Kysely<Database>({ dialect: sqliteThreadDialect(driver) });
  return {
    db,
    dialect: DIALECTS.sqlite,
    transactAll: (items, work, last) =>
      driver.transact<Database, Awaited<ReturnType<typeof work>>[]>(async (trx) => {
        const results = await allBeside(items, (item) => work(trx, item));
        await last?.(trx, results);
        return results;
      }),
    close: () => db.destroy(),
  };
}

/** A connection takes one statement after the other. */
function connectPostgres(url: string): OpenDatabase {
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: postgresPool(url) }) });
  return {
    db,
    dialect: DIALECTS.postgres,
    transactAll: (items, work, last) =>
      db.transaction().execute(async (trx) => {
        const results: Awaited<ReturnType<typeof work>>[] = [];
        for (const item of items) results.push(await work(trx, item));
        await last?.(trx, results);
        return results;
      }),
    close: () => db.destroy(),
  };
}

/**
 * Opens the database and brings its schema up to date.
 *
 * @throws FlotillaError `server.database-unreachable`, `server.data-newer`
 */
export async function openDatabase(config: DatabaseConfig): Promise<OpenDatabase> {
  const where = describe(config);
  const database = connect(config);
  try {
    await sql`select 1`.execute(database.db);
    await migrate(database.db, database.dialect, where);
    return database;
  } catch (error) {
    await database.close().catch(() => undefined);
    if (isFlotillaError(error)) throw error;
    const { reason } = asFlotillaError(error).context as { reason: string };
    throw new FlotillaError('server.database-unreachable', { where, reason }, { cause: error });
  }
}

/** Ten connections, so that a long query does not hold up the short ones. */
function postgresPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, types, max: 10 });
  // A database that restarts ends idle connections, which an unheard 'error' would make fatal
  // (node-postgres.com/apis/pool#events). The pool opens new ones; a query under way throws itself.
  pool.on('error', () => undefined);
  return pool;
}

/** Never shows the password of a URL. */
function describe(config: DatabaseConfig): string {
  if (config.kind === 'sqlite') return config.file;
  const url = URL.parse(config.url);
  return url === null ? 'PostgreSQL' : `${url.protocol}//${url.host}${url.pathname}`;
}

const INT8 = 20;
const NUMERIC = 1700;

/**
 * bigint and numeric as numbers: milliseconds, counts and sums here stay below 2^53.
 * pg answers strings for both by default (node-postgres.com/features/types).
 */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (format !== 'binary' && (oid === INT8 || oid === NUMERIC)) return Number;
    return pg.types.getTypeParser(oid, format);
  },
} as pg.CustomTypesConfig;
