import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  Kysely,
  type QueryResult,
  SelectQueryNode,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely';
import { type SqliteAnswer, SqliteThread } from './sqlite-thread.ts';
import { SqliteWriter } from './sqlite-writer.ts';

/** Kysely's dialect for a SQLite file that one thread writes and another reads (WAL). */
export const sqliteThreadDialect = (driver: Driver): Dialect => ({
  createAdapter: () => new ThreadAdapter(),
  createDriver: () => driver,
  createIntrospector: (db) => new SqliteIntrospector(db),
  createQueryCompiler: () => new SqliteQueryCompiler(),
});

/** Reads go on beside a transaction, and transactions queue here, not in Kysely. */
class ThreadAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

export class SqliteThreadDriver implements Driver {
  readonly #file: string;
  #threads: { writer: SqliteThread; reader: SqliteThread; queue: SqliteWriter } | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  async init(): Promise<void> {
    const writer = new SqliteThread({ file: this.#file, readonly: false });
    try {
      await writer.run({ sql: 'select 1', parameters: [] });
    } catch (error) {
      await writer.close();
      throw error;
    }
    const reader = new SqliteThread({ file: this.#file, readonly: true });
    this.#threads = { writer, reader, queue: new SqliteWriter(writer) };
  }

  async acquireConnection(): Promise<Connection> {
    if (this.#threads === undefined) throw new Error('the driver was not initialized');
    return new Connection(this.#threads.queue, this.#threads.reader);
  }

  async beginTransaction(connection: Connection): Promise<void> {
    await connection.begin();
  }

  async commitTransaction(connection: Connection): Promise<void> {
    await connection.commit();
  }

  async rollbackTransaction(connection: Connection): Promise<void> {
    await connection.rollback();
  }

  async releaseConnection(): Promise<void> {}

  /**
   * A transaction whose statements do not wait for each other, as those of Kysely's own do: what
   * goes on side by side in it travels to the thread together. All of it must have settled when
   * `work` does.
   */
  async transact<DB, R>(work: (trx: Kysely<DB>) => Promise<R>): Promise<R> {
    const connection = await this.acquireConnection();
    await connection.begin();
    try {
      const bound = new BoundDriver(connection);
      const result = await work(new Kysely<DB>({ dialect: sqliteThreadDialect(bound) }));
      await connection.commit();
      return result;
    } catch (error) {
      await connection.rollback();
      throw error;
    }
  }

  async destroy(): Promise<void> {
    await this.#threads?.reader.close();
    await this.#threads?.writer.close();
  }
}

/** Every statement goes to one connection, whose transaction others begin and end. */
class BoundDriver implements Driver {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async init(): Promise<void> {}
  async acquireConnection(): Promise<Connection> {
    return this.#connection;
  }
  async beginTransaction(): Promise<void> {
    throw new Error('there are no transactions within one');
  }
  async commitTransaction(): Promise<void> {}
  async rollbackTransaction(): Promise<void> {}
  async releaseConnection(): Promise<void> {}
  async destroy(): Promise<void> {}
}

/** Reads outside a transaction go to the reader; all else to the writer. */
class Connection implements DatabaseConnection {
  readonly #writer: SqliteWriter;
  readonly #reader: SqliteThread;
  #inTransaction = false;

  constructor(writer: SqliteWriter, reader: SqliteThread) {
    this.#writer = writer;
    this.#reader = reader;
  }

  async begin(): Promise<void> {
    await this.#writer.begin();
    this.#inTransaction = true;
  }

  async commit(): Promise<void> {
    this.#inTransaction = false;
    await this.#writer.commit();
  }

  async rollback(): Promise<void> {
    if (!this.#inTransaction) return;
    this.#inTransaction = false;
    await this.#writer.rollback();
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, changes } = await this.#run(query);
    return { rows: rows as R[], numAffectedRows: BigInt(changes) };
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    yield await this.executeQuery<R>(query);
  }

  #run(query: CompiledQuery): Promise<SqliteAnswer> {
    const { sql, parameters } = query;
    if (this.#inTransaction) return this.#writer.run(sql, parameters);
    if (isRead(query)) return this.#reader.run({ sql, parameters });
    return this.#writer.runAlone(sql, parameters);
  }
}

function isRead({ query, sql }: CompiledQuery): boolean {
  return SelectQueryNode.is(query) || (query.kind === 'RawNode' && /^\s*select\b/i.test(sql));
}
