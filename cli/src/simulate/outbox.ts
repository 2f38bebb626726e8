import { randomBytes } from 'node:crypto';
import type { Ack } from '@flotilla/protocol';

export type OutboxTopic = 'report' | 'telemetry';

interface Kept {
  readonly topic: OutboxTopic;
  readonly payload: Uint8Array;
  /** Monotonic ms; −1: not sent on this connection. */
  sentMs: number;
}

/** Records on their way without an acknowledgement, as an agent has them. */
const WINDOW = 32;
/** Doubles while nothing is acknowledged, so that an overloaded server is not loaded more. */
const RESEND_MS = 20_000;
const LONGEST_RESEND_MS = 300_000;
/** What a device keeps while the server is away. */
const MOST = 500;

/** Records of one device, kept until the server acknowledges them, in memory. */
export class Outbox {
  readonly id: string;
  #next: number;
  readonly #kept = new Map<number, Kept>();
  #onTheirWay = 0;
  #resendMs = RESEND_MS;

  constructor(id = randomBytes(8).toString('hex'), next = 1) {
    this.id = id;
    this.#next = next;
  }

  get next(): number {
    return this.#next;
  }

  get pending(): number {
    return this.#kept.size;
  }

  /** @param encode makes the payload once the record has its number */
  add(topic: OutboxTopic, encode: (seq: number) => Uint8Array): void {
    const seq = this.#next++;
    this.#kept.set(seq, { topic, payload: encode(seq), sentMs: -1 });
    if (this.#kept.size > MOST) this.#dropOldest();
  }

  settle({ outbox, stored, rejected }: Ack): void {
    if (outbox !== this.id) return;
    this.#resendMs = RESEND_MS;
    const ranges = [...stored, ...rejected.flatMap(({ range }) => range ?? [])];
    for (const { first, last } of ranges) {
      // a range may be as long as the server likes; what is kept is not
      if (last - first >= this.#kept.size) {
        for (const seq of [...this.#kept.keys()])
          if (seq >= first && seq <= last) this.#forget(seq);
      } else for (let seq = first; seq <= last; seq++) this.#forget(seq);
    }
  }

  /** Sends what may be sent now, oldest first. */
  send(nowMs: number, publish: (topic: OutboxTopic, payload: Uint8Array) => void): void {
    for (const record of this.#kept.values()) {
      if (this.#onTheirWay >= WINDOW) return;
      if (record.sentMs >= 0) continue;
      record.sentMs = nowMs;
      this.#onTheirWay++;
      publish(record.topic, record.payload);
    }
  }

  /** Lets what was not acknowledged for too long be sent again; with −1 everything. */
  forgetSent(nowMs = -1): void {
    if (this.#onTheirWay === 0) return;
    const before = this.#onTheirWay;
    for (const record of this.#kept.values()) {
      if (record.sentMs < 0 || (nowMs >= 0 && nowMs - record.sentMs < this.#resendMs)) continue;
      record.sentMs = -1;
      this.#onTheirWay--;
    }
    const late = nowMs >= 0 && this.#onTheirWay < before;
    if (late) this.#resendMs = Math.min(LONGEST_RESEND_MS, 2 * this.#resendMs);
  }

  #forget(seq: number): void {
    const record = this.#kept.get(seq);
    if (record === undefined) return;
    if (record.sentMs >= 0) this.#onTheirWay--;
    this.#kept.delete(seq);
  }

  /** Telemetry first: how an attempt ended is what the server waits for. */
  #dropOldest(): void {
    const [[first] = [0]] = this.#kept;
    const oldest = [...this.#kept].find(([, { topic }]) => topic === 'telemetry');
    this.#forget(oldest?.[0] ?? first);
  }
}
