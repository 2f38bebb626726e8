import type { Clock, Logger } from '../ports.ts';
import { createWakeup } from '../wakeup.ts';
import type { OutboxTopic } from './entries.ts';
import type { Outbox, Pending } from './outbox.ts';

export interface SenderOptions {
  /** Records on their way without an acknowledgement of the server. */
  readonly window: number;
  /** A record that was not acknowledged after this time is sent again. */
  readonly resendMs: number;
}

const SENDER_OPTIONS: SenderOptions = { window: 32, resendMs: 20_000 };

export interface Sender {
  /** Sends what is pending, from the oldest, until the signal aborts. */
  run(
    publish: (topic: OutboxTopic, payload: Uint8Array) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** There is something new, or something was acknowledged. */
  wake(): void;
}

/** Paces the outbox: a server that was away is not met with everything at once. */
export function createSender(
  outbox: Outbox,
  clock: Clock,
  logger: Logger,
  { window, resendMs }: SenderOptions = SENDER_OPTIONS,
): Sender {
  // one for each run, so that a run that ends takes no wake from the next
  let wakeup = createWakeup(clock);
  return {
    wake: () => wakeup.wake(),
    async run(publish, signal) {
      const own = createWakeup(clock);
      wakeup = own;
      const sentMs = new Map<number, number>();
      let last = 0;
      while (!signal.aborted) {
        for (const seq of sentMs.keys()) if (!outbox.has(seq)) sentMs.delete(seq);
        const late = overdue(sentMs, clock.monotonic() - resendMs);
        const batch = late.length > 0 ? late : outbox.pending(last, window - sentMs.size);
        if (batch.length === 0) {
          await own.wait(resendMs / 2, signal);
          continue;
        }
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

  function overdue(sentMs: ReadonlyMap<number, number>, beforeMs: number): Pending[] {
    return [...sentMs]
      .filter(([, at]) => at < beforeMs)
      .flatMap(([seq]) => outbox.pending(seq - 1, 1));
  }

  async function sendAll(
    batch: readonly Pending[],
    publish: (topic: OutboxTopic, payload: Uint8Array) => Promise<void>,
  ): Promise<void> {
    await Promise.all(
      batch.map(async ({ seq, topic }) => {
        const payload = await outbox.payload(seq);
        if (payload !== undefined) await publish(topic, payload);
      }),
    );
  }
}
