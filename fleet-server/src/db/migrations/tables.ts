import type { CreateTableBuilder, Kysely } from 'kysely';
import type { SqlDialect } from '../dialect.ts';
import type { Database } from '../schema.ts';

/** `key` is text compared by bytes; `real` a double. */
export type ColumnType = 'key' | 'text' | 'bigint' | 'integer' | 'real' | 'bytes';

export interface TableSpec {
  readonly name: string;
  /** The first so many columns are the primary key. */
  readonly keys: number;
  readonly columns: Readonly<Record<string, ColumnType>>;
}

export interface IndexSpec {
  readonly name: string;
  readonly table: string;
  readonly columns: readonly string[];
}

export async function createTables(
  db: Kysely<Database>,
  dialect: SqlDialect,
  tables: readonly TableSpec[],
  indexes: readonly IndexSpec[],
): Promise<void> {
  for (const table of tables) await createTable(db, dialect, table);
  for (const { name, table, columns } of indexes) {
    await db.schema
      .createIndex(name)
      .on(table)
      .columns([...columns])
      .execute();
  }
}

async function createTable(db: Kysely<Database>, dialect: SqlDialect, table: TableSpec) {
  let create: CreateTableBuilder<string, string> = db.schema.createTable(table.name);
  for (const [name, type] of Object.entries(table.columns)) {
    create = create.addColumn(name, columnType(dialect, type), (c) => c.notNull());
  }
  const names = Object.keys(table.columns);
  await create.addPrimaryKeyConstraint(`${table.name}_key`, names.slice(0, table.keys)).execute();
}

function columnType(dialect: SqlDialect, type: ColumnType) {
  if (type === 'key') return dialect.key;
  if (type === 'bytes') return dialect.bytes;
  return type === 'real' ? 'double precision' : type;
}
