import { asFlotillaError, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { DIALECTS, type SqlDialect } from './dialect.ts';
import { migrate } from './migrate.ts';
import type { Database } from './schema.ts';
import { sqliteThreadDialect } from './sqlite-driver.ts';

export type DatabaseConfig =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'postgres'; readonly url: string };

/** The database with its schema up to date, and what differs between the kinds. */
export interface OpenDatabase {
  readonly db: Kysely<Database>;
  readonly dialect: SqlDialect;
  close(): Promise<void>;
}

/** Opens without touching the schema: `openDatabase` is what a server wants. */
export function connect(config: DatabaseConfig): OpenDatabase {
  const dialect =
    config.kind === 'sqlite'
      ? sqliteThreadDialect(config.file)
      : new PostgresDialect({ pool: postgresPool(config.url) });
  const db = new Kysely<Database>({ dialect });
  return { db, dialect: DIALECTS[config.kind], close: () => db.destroy() };
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
