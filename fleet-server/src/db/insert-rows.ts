import { type Insertable, type Kysely, type RawBuilder, sql } from 'kysely';
import type { SqlDialect } from './dialect.ts';
import type { Database } from './schema.ts';

/**
 * Writes rows with one statement. What is the same in all of them travels once, and the rest as one
 * JSON text: a parameter for each value of thousands of rows holds the event loop for longer than
 * all else that is done for them.
 *
 * @param rows with the same columns in the same order; texts and numbers only
 */
export async function insertRows<T extends keyof Database & string, C extends object>(
  dialect: SqlDialect,
  trx: Kysely<Database>,
  table: T,
  common: C & Partial<Insertable<Database[T]>>,
  rows: readonly Omit<Insertable<Database[T]>, keyof C>[],
): Promise<void> {
  const [first] = rows;
  if (first === undefined) return;
  const own = Object.keys(first) as (keyof typeof first)[];
  const values = own.map((column, i) => valueAt(i, typeof first[column] === 'number'));
  const columns = [...Object.keys(common), ...own.map(String)].map((column) => sql.ref(column));
  const json = JSON.stringify(rows.map((row) => own.map((column) => wellFormed(row[column]))));
  await sql`insert into ${sql.table(table)} (${sql.join(columns)})
    select ${sql.join([...Object.values(common), ...values])} from ${dialect.elements(json)}`.execute(
    trx,
  );
}

/** What is no text for PostgreSQL is written as it is in a parameter: with U+FFFD in its place. */
const wellFormed = (value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed() : value;

const valueAt = (index: number, numeric: boolean): RawBuilder<unknown> => {
  const text = sql`value ->> ${sql.lit(index)}`;
  return numeric ? sql`cast(${text} as numeric)` : text;
};
