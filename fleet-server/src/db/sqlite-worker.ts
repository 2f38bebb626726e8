import { parentPort, workerData } from 'node:worker_threads';
import Sqlite from 'better-sqlite3';

/** What a connection of `sqlite-driver.ts` asks of its thread. */
export interface SqliteRequest {
  readonly id: number;
  /** Only inside a transaction: where none could begin, nothing may run by itself. */
  readonly within: boolean;
  /** Run in order; the answer carries the last one's rows. */
  readonly statements: readonly { readonly sql: string; readonly parameters: readonly unknown[] }[];
}

export type SqliteReply =
  | { readonly id: number; readonly rows: unknown[]; readonly changes: number }
  | { readonly id: number; readonly error: { readonly message: string; readonly code: string } };

export interface SqliteWorkerData {
  readonly file: string;
  readonly readonly: boolean;
}

const CACHED_STATEMENTS = 500;

/** synchronous=FULL: a commit is on the disk when it returns, which WAL alone does not promise. */
function open({ file, readonly }: SqliteWorkerData): Sqlite.Database {
  const db = new Sqlite(file, { readonly, timeout: 5000 });
  if (!readonly) {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
  }
  db.pragma('temp_store = MEMORY');
  return db;
}

function serve(db: Sqlite.Database, port: NonNullable<typeof parentPort>): void {
  const cache = new Map<string, Sqlite.Statement>();
  const prepare = (text: string): Sqlite.Statement => {
    const known = cache.get(text);
    if (known !== undefined) return known;
    if (cache.size >= CACHED_STATEMENTS) cache.clear();
    const statement = db.prepare(text);
    cache.set(text, statement);
    return statement;
  };
  const run = (request: SqliteRequest): SqliteReply => {
    let rows: unknown[] = [];
    let changes = 0;
    try {
      if (request.within && !db.inTransaction) throw new Error('the transaction has ended');
      for (const { sql, parameters } of request.statements) {
        const statement = prepare(sql);
        rows = [];
        if (statement.reader) rows = statement.all(...parameters);
        else changes = statement.run(...parameters).changes;
      }
      return { id: request.id, rows, changes };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const code = error instanceof Sqlite.SqliteError ? error.code : 'ERROR';
      return { id: request.id, error: { message, code } };
    }
  };
  port.on('message', (requests: readonly SqliteRequest[] | 'close') => {
    if (requests === 'close') {
      db.close();
      port.close();
    } else port.postMessage(requests.map(run));
  });
}

if (parentPort !== null) serve(open(workerData as SqliteWorkerData), parentPort);
