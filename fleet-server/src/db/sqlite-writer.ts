import { type SqliteAnswer, SqliteFailure, type SqliteThread, statement } from './sqlite-thread.ts';

/** A batch is committed at the latest when it is that old or holds that many transactions. */
const MAX_BATCH_MS = 10;
const MAX_BATCH = 200;
/** Longer than any sane transaction: what waits longer has most likely been locked out by itself. */
const MAX_WAIT_MS = 30_000;

interface Turn {
  start: () => void;
  timer: NodeJS.Timeout;
}

interface Pending {
  resolve: () => void;
  reject: (error: Error) => void;
}

/**
 * The one writer of a SQLite file, with group commit: transactions that queue behind each other
 * become savepoints of one commit, so that they share one fsync. Each is acknowledged only after
 * that commit; one that fails is rolled back alone.
 */
export class SqliteWriter {
  readonly #thread: SqliteThread;
  readonly #queue: Turn[] = [];
  #held = false;
  #open = false;
  #openedAt = 0;
  #begun: Promise<unknown> = Promise.resolve();
  #pending: Pending[] = [];

  constructor(thread: SqliteThread) {
    this.#thread = thread;
  }

  /** Resolves when it is this transaction's turn; it travels with its first statement. */
  async begin(): Promise<void> {
    await this.#acquire();
    if (this.#open) this.#begun = this.#ask('savepoint t');
    else {
      this.#open = true;
      this.#openedAt = performance.now();
      this.#begun = this.#thread.run(statement('begin immediate'), statement('savepoint t'));
    }
    this.#begun.catch(() => undefined);
  }

  async run(sql: string, parameters: readonly unknown[]): Promise<SqliteAnswer> {
    const answer = this.#ask(sql, parameters);
    answer.catch(() => undefined);
    // why a transaction could not begin says more than that it is not there
    await this.#begun;
    return answer;
  }

  /** Resolves once the transaction is on the disk. */
  async commit(): Promise<void> {
    try {
      await Promise.all([this.#begun, this.#ask('release t')]);
    } catch (error) {
      await this.rollback();
      throw error;
    }
    const stored = this.#stored();
    await Promise.all([stored, this.#next()]);
  }

  async rollback(): Promise<void> {
    try {
      await this.#thread.runWithin(statement('rollback to t'), statement('release t'));
    } catch (error) {
      // A full disk rolls back the whole of SQLite's transaction (sqlite.org/lang_transaction).
      await this.#abandon(error as Error);
    }
    await this.#next();
  }

  /**
   * One statement as a transaction of its own. It needs no savepoint: SQLite undoes a statement that
   * fails (sqlite.org/lang_conflict), so those that queue are sent together.
   */
  async runAlone(sql: string, parameters: readonly unknown[]): Promise<SqliteAnswer> {
    await this.#acquire();
    if (!this.#open) {
      this.#open = true;
      this.#openedAt = performance.now();
      this.#begun = this.#ask('begin immediate', [], false);
      this.#begun.catch(() => undefined);
    }
    const stored = this.#stored();
    stored.catch(() => undefined);
    const answer = this.run(sql, parameters);
    answer.catch(() => undefined);
    const handedOn = this.#next();
    const [done] = await Promise.all([answer, stored, handedOn]);
    return done;
  }

  #ask(sql: string, parameters: readonly unknown[] = [], within = true): Promise<SqliteAnswer> {
    const one = statement(sql, parameters);
    return within ? this.#thread.runWithin(one) : this.#thread.run(one);
  }

  #stored(): Promise<void> {
    return new Promise<void>((resolve, reject) => this.#pending.push({ resolve, reject }));
  }

  /** Hands the batch to the next in the queue, or commits it. */
  async #next(): Promise<void> {
    const full =
      this.#pending.length >= MAX_BATCH || performance.now() - this.#openedAt >= MAX_BATCH_MS;
    if (this.#open && (full || this.#queue.length === 0)) await this.#flush();
    this.#release();
  }

  async #flush(): Promise<void> {
    const batch = this.#pending;
    try {
      await this.#ask('commit');
    } catch (error) {
      await this.#abandon(error as Error);
      return;
    }
    this.#open = false;
    this.#pending = [];
    for (const pending of batch) pending.resolve();
  }

  async #abandon(error: Error): Promise<void> {
    await this.#thread.run(statement('rollback')).catch(() => undefined);
    this.#open = false;
    for (const pending of this.#pending.splice(0)) pending.reject(error);
  }

  #acquire(): Promise<void> {
    if (!this.#held) {
      this.#held = true;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const turn: Turn = {
        start: () => {
          clearTimeout(turn.timer);
          resolve();
        },
        timer: setTimeout(() => {
          this.#queue.splice(this.#queue.indexOf(turn), 1);
          const message = `the database writer was busy for ${MAX_WAIT_MS / 1000} s: a transaction holds it`;
          reject(new SqliteFailure(message, 'SQLITE_BUSY'));
        }, MAX_WAIT_MS),
      };
      this.#queue.push(turn);
    });
  }

  #release(): void {
    const turn = this.#queue.shift();
    if (turn === undefined) this.#held = false;
    else turn.start();
  }
}
