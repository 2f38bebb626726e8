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
  #outgoing: SqliteRequest[] = [];
  #failed: Error | undefined;

  constructor(data: SqliteWorkerData) {
    this.#worker = new Worker(new URL('./sqlite-worker.ts', import.meta.url), {
      workerData: data,
      name: data.readonly ? 'sqlite-reader' : 'sqlite-writer',
    });
    this.#worker.on('message', (replies: readonly SqliteReply[]) => {
      for (const reply of replies) this.#settle(reply);
    });
    this.#worker.on('error', (error) =>
      this.#fail(error instanceof Error ? error : new Error(String(error))),
    );
    this.#worker.on('exit', () => this.#fail(new SqliteFailure('database is closed', 'CLOSED')));
  }

  run(...statements: Statement[]): Promise<SqliteAnswer> {
    return this.#ask(statements, false);
  }

  /** Runs a statement of the transaction that is open; where none is, it fails. */
  runWithin(...statements: Statement[]): Promise<SqliteAnswer> {
    return this.#ask(statements, true);
  }

  #ask(statements: readonly Statement[], within: boolean): Promise<SqliteAnswer> {
    if (this.#failed !== undefined) return Promise.reject(this.#failed);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      if (this.#outgoing.length === 0) process.nextTick(() => this.#send());
      this.#outgoing.push({ id, within, statements });
    });
  }

  /** Waking a thread costs more than most statements: what is asked in one turn goes together. */
  #send(): void {
    const requests = this.#outgoing;
    this.#outgoing = [];
    try {
      this.#worker.postMessage(requests);
    } catch (error) {
      // a parameter that cannot travel fails those that asked, not the process
      const failure = { message: String(error), code: 'ERROR' };
      for (const { id } of requests) this.#settle({ id, error: failure });
    }
  }

  async close(): Promise<void> {
    if (this.#failed !== undefined) return;
    const exited = once(this.#worker, 'exit');
    if (this.#outgoing.length > 0) this.#send();
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
