import { type Kysely, type RawBuilder, sql } from 'kysely';
import type { Database } from './schema.ts';

/** All that differs between the databases; everything else is written once in the subset both take. */
export interface SqlDialect {
  readonly kind: 'sqlite' | 'postgres';
  /** Column type of text that is compared and sorted by bytes, as ids, names and digests are. */
  readonly key: RawBuilder<unknown>;
  /** Column type of bytes. */
  readonly bytes: RawBuilder<unknown>;
  /** A table of the elements of a JSON array, in its column `value`. */
  elements(json: string): RawBuilder<unknown>;
  /**
   * After many rows were added: a database that plans by what it knows of a table would go over all
   * of them for each device until it looks by itself, a minute later.
   */
  lookAgain(trx: Kysely<Database>, table: keyof Database): Promise<void>;
  /** Holds others off whoever takes the same name, on any server, until the transaction ends. */
  lock(trx: Kysely<Database>, name: string): Promise<void>;
}

/** Pieces of work in one transaction: beside each other where the database gains by it. */
export interface TransactAll {
  /**
   * All pieces settle before it ends; where one fails, all is undone and its error thrown.
   *
   * @param last runs after all pieces, in the same transaction
   */
  transactAll<T, R>(
    items: readonly T[],
    work: (trx: Kysely<Database>, item: T) => Promise<R>,
    last?: (trx: Kysely<Database>, results: readonly R[]) => Promise<void>,
  ): Promise<R[]>;
}

/** A transaction that writes has the file to itself, so a name needs no lock of its own. */
const sqlite: SqlDialect = {
  kind: 'sqlite',
  key: sql`text`,
  bytes: sql`blob`,
  elements: (json) => sql`json_each(${json})`,
  lookAgain: async () => {},
  lock: async () => {},
};

const postgres: SqlDialect = {
  kind: 'postgres',
  key: sql`text collate "C"`,
  bytes: sql`bytea`,
  elements: (json) => sql`jsonb_array_elements(${json}::jsonb) as elements(value)`,
  async lookAgain(trx, table) {
    await sql`analyze ${sql.table(table)}`.execute(trx);
  },
  async lock(trx, name) {
    await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx);
  },
};

export const DIALECTS = { sqlite, postgres } as const satisfies Record<string, SqlDialect>;
