import type { Kysely } from 'kysely';
import type { SqlDialect } from '../dialect.ts';
import type { Database } from '../schema.ts';

/** One step of the schema. Steps are never edited once released: expand first, contract later. */
export interface Migration {
  /** Sorts after every earlier one: `0001_core`. */
  readonly name: string;
  up(db: Kysely<Database>, dialect: SqlDialect): Promise<void>;
}
