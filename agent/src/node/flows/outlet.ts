import { asFlotillaError, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { createBackoff, createWakeup } from '../../core/index.ts';
import { abortedOf } from './aborted.ts';
import { createParcelQueue } from './parcel-queue.ts';
import type { Parcel, Sink, SinkPorts } from './sink.ts';

/** How a sink fares. */
export interface SinkStatus {
  readonly sink: string;
  readonly sent: number;
  readonly dropped: number;
  readonly waiting: number;
  /** Why the last delivery failed; gone when one succeeds. */
  readonly error?: string;
}

export interface Outlet {
  /** Never waits. */
  put(parcel: Parcel): void;
  status(): SinkStatus;
  /** Delivers what waits, for a moment, then lets go. */
  stop(): Promise<void>;
}

const MOST_PARCEL_BYTES = 256 << 10;
const RETRY = { firstMs: 500, longestMs: 30_000 };
const LAST_MOMENT_MS = 2_000;
const IDLE_MS = 60_000;

/**
 * Parcels on their way to one sink: so many wait, the oldest of more is dropped. One delivery at a
 * time; one that fails is tried again with pauses, and given up at last.
 *
 * @param told when the sink's state changes: an error, or undefined where it works again
 */
export function createOutlet(
  sink: Sink,
  { clock, random }: Pick<SinkPorts, 'clock' | 'random'>,
  told: (error: string | undefined) => void,
): Outlet {
  const queue = createParcelQueue(sink.room);
  const wakeup = createWakeup(clock);
  const stopping = new AbortController();
  const leaving = new AbortController();
  const backoff = createBackoff(RETRY, random);
  let sent = 0;
  let dropped = 0;
  let fault: string | undefined;

  function tell(error: string | undefined): void {
    if (error === fault) return;
    fault = error;
    told(error);
  }

  /** A sink that hangs is left alone at the end. */
  async function deliverOnce(parcels: readonly Parcel[]): Promise<void> {
    const left = abortedOf(leaving.signal);
    const stopped = left.promise.then(() => {
      throw new FlotillaError('flow.sink-failed', { sink: sink.label, reason: 'stopped' });
    });
    try {
      await Promise.race([sink.deliver(parcels, leaving.signal), stopped]);
    } finally {
      left.forget();
    }
  }

  async function deliver(): Promise<void> {
    const parcels = queue.hold(sink.batch);
    for (let tries = sink.tries; ; ) {
      try {
        await deliverOnce(parcels);
        sent += queue.take('held');
        backoff.reset();
        return tell(undefined);
      } catch (error) {
        const known = asFlotillaError(error);
        tell(reasonOf(known));
        if (--tries <= 0 || !known.retryable || leaving.signal.aborted) {
          dropped += queue.take('held');
          return;
        }
      }
      await clock.sleep(backoff.next(), leaving.signal);
    }
  }

  async function run(): Promise<void> {
    while (!leaving.signal.aborted) {
      if (queue.length === 0) {
        if (stopping.signal.aborted) return;
        await wakeup.wait(IDLE_MS, stopping.signal);
        continue;
      }
      if (queue.length < sink.batch) await clock.sleep(sink.gatherMs, stopping.signal);
      await deliver();
    }
  }
  const running = run();

  return {
    put(parcel) {
      const { length } = parcel.json;
      if (length > MOST_PARCEL_BYTES) {
        dropped++;
        return tell(`a result of ${length} bytes is larger than ${MOST_PARCEL_BYTES}`);
      }
      dropped += queue.put(parcel);
      wakeup.wake();
    },
    status: () => ({
      sink: sink.label,
      sent,
      dropped,
      waiting: queue.length,
      ...(fault === undefined ? {} : { error: fault }),
    }),
    async stop() {
      stopping.abort();
      const last = new AbortController();
      await Promise.race([running, clock.sleep(LAST_MOMENT_MS, last.signal)]);
      last.abort();
      leaving.abort();
      await running;
      dropped += queue.take('all');
      await sink.close();
    },
  };
}

/** Without the name of the sink, which stands beside it. */
const reasonOf = (error: FlotillaError): string =>
  isFlotillaError(error, 'flow.sink-failed') || isFlotillaError(error, 'flow.sink-refused')
    ? error.context.reason
    : error.message;
