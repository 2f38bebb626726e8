import { createBackoff } from '../backoff.ts';
import type { Clock, Logger, Random } from '../ports.ts';
import { createWakeup } from '../wakeup.ts';
import type { OutboxTopic } from './entries.ts';
import type { Outbox, Pending } from './outbox.ts';
import { createPace } from './pace.ts';

export interface SenderOptions {
  /** Records on their way without an acknowledgement of the server. */
  readonly window: number;
  /**
   * Records that were not acknowledged after about this time are sent again; while nothing is
   * acknowledged at all, the time doubles, up to `longestResendMs`.
   */
  readonly resendMs: number;
  readonly longestResendMs: number;
  /** Records a second, once a window's worth is sent. */
  readonly perSecond: number;
  /**
   * A connection begins to send after a chance part of this time for each record that waits, up to
   * `longestSpreadMs`: devices that were away together do not all send at once.
   */
  readonly spreadMs: number;
  readonly longestSpreadMs: number;
}

export const SENDER_OPTIONS: SenderOptions = {
  window: 32,
  resendMs: 20_000,
  longestResendMs: 300_000,
  perSecond: 100,
  spreadMs: 20,
  longestSpreadMs: 10_000,
};

export interface SenderPorts {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

type Publish = (topic: OutboxTopic, payload: Uint8Array) => Promise<void>;

export interface Sender {
  /** Sends what is pending, from the oldest, until the signal aborts. */
  run(publish: Publish, signal: AbortSignal): Promise<void>;
  /** There is something new, or something was acknowledged. */
  wake(): void;
}

/** Paces the outbox: a server that was away is not met with everything at once. */
export function createSender(
  { outbox, clock, random, logger }: SenderPorts,
  options: SenderOptions = SENDER_OPTIONS,
): Sender {
  const { window, resendMs, longestResendMs } = options;
  // one for each run, so that a run that ends takes no wake from the next
  let wakeup = createWakeup(clock);
  return {
    wake: () => wakeup.wake(),
    async run(publish, signal) {
      const own = createWakeup(clock);
      wakeup = own;
      await clock.sleep(spread(), signal);
      const pace = createPace(clock, window, options.perSecond);
      const patience = createBackoff({ firstMs: resendMs, longestMs: longestResendMs }, random);
      const sentMs = new Map<number, number>();
      let waitMs = patience.next();
      let last = 0;
      while (!signal.aborted) {
        if (forgetSettled(sentMs)) {
          patience.reset();
          waitMs = patience.next();
        }
        const late = overdue(sentMs, clock.monotonic() - waitMs);
        const due = late.length > 0 ? late : outbox.pending(last, window - sentMs.size);
        const batch = due.slice(0, pace.left());
        if (batch.length === 0) {
          await own.wait(due.length > 0 ? pace.untilNextMs() : resendMs / 4, signal);
          continue;
        }
        if (late.length > 0) waitMs = patience.next();
        pace.take(batch.length);
        for (const { seq } of batch) {
          sentMs.set(seq, clock.monotonic());
          last = Math.max(last, seq);
        }
        await sendAll(batch, publish).catch((error) => {
          logger.debug('records not sent', { reason: String(error) });
        });
      }
    },
  };

  function spread(): number {
    const { spreadMs, longestSpreadMs } = options;
    return random() * Math.min(longestSpreadMs, spreadMs * outbox.counts().pending);
  }

  /** True where something was acknowledged. */
  function forgetSettled(sentMs: Map<number, number>): boolean {
    const before = sentMs.size;
    for (const seq of sentMs.keys()) if (!outbox.has(seq)) sentMs.delete(seq);
    return sentMs.size < before;
  }

  function overdue(sentMs: ReadonlyMap<number, number>, beforeMs: number): Pending[] {
    return [...sentMs]
      .filter(([, at]) => at < beforeMs)
      .flatMap(([seq]) => outbox.pending(seq - 1, 1));
  }

  async function sendAll(batch: readonly Pending[], publish: Publish): Promise<void> {
    await Promise.all(
      batch.map(async ({ seq, topic }) => {
        const payload = await outbox.payload(seq);
        if (payload !== undefined) await publish(topic, payload);
      }),
    );
  }
}
