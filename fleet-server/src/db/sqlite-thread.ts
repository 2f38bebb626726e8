import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { SqliteReply, SqliteRequest, SqliteWorkerData } from './sqlite-worker.ts';

export interface SqliteAnswer {
  readonly rows: unknown[];
  readonly changes: number;
}

type Statement = SqliteRequest['statements'][number];

/** A failed statement, with SQLite's own code (`SQLITE_CONSTRAINT_PRIMARYKEY`, `SQLITE_BUSY`). */
export class SqliteFailure extends Error {
  override readonly name = 'SqliteFailure';
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** better-sqlite3 blocks its thread, so each connection has a thread of its own. */
export class SqliteThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<
    number,
    { resolve: (answer: SqliteAnswer) => void; reject: (error: Error) => void }
  >();
  #next = 0;
  #failed: Error | undefined;

  constructor(data: SqliteWorkerData) {
    this.#worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
      workerData: data,
      name: data.readonly ? 'sqlite-reader' : 'sqlite-writer',
    });
    this.#worker.on('message', (reply: SqliteReply) => this.#settle(reply));
    this.#worker.on('error', (error) =>
      this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on('exit', () => this.#fail(new SqliteFailure('database is closed', 'CLOSED')));
  }

  run(...statements: Statement[]): Promise<SqliteAnswer> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, statements } satisfies SqliteRequest);
    });
  }

  async close(): Promise<void> {
    if (this.#failed !== undefined) return;
    const exited = once(this.#worker, 'exit');
    this.#worker.postMessage('close');
    await exited;
  }

  #settle(reply: SqliteReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('error' in reply) {
      waiting?.reject(new SqliteFailure(reply.error.message, reply.error.code));
    } else waiting?.resolve(reply);
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failed);
    this.#waiting.clear();
  }
}

export const statement = (sql: string, parameters: readonly unknown[] = []): Statement => ({
  sql,
  parameters,
});
