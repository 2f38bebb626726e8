import { createQueue } from '../durable.ts';
import type { Clock } from '../ports.ts';

/** A cap on what comes in. */
export interface Bandwidth {
  /** Bytes to ask for at once, so that little more than the cap is ever under way; undefined: all. */
  piece(): number | undefined;
  /** Accounts for bytes that came, and waits until the cap lets more in. */
  pay(bytes: number, signal: AbortSignal): Promise<void>;
}

/** Credit that gathers while nothing comes. */
const BURST_S = 1;
/** A changed cap is heeded within this time. */
const LOOK_AGAIN_MS = 1000;
/**
 * What lies in the buffers of a connection that nobody reads has crossed the link all the same, and
 * proxies end a connection that stands still: so no more is asked for than a few seconds' worth.
 */
const PIECE_S = 8;
const LEAST_PIECE = 16 << 10;

/**
 * A token bucket that is paid after the fact: bytes that came may put it into debt, which is waited
 * off before more is read. Those who pay take turns.
 *
 * @param rate bytes/s at this moment; 0 is no cap
 */
export function createBandwidth(clock: Clock, rate: () => number): Bandwidth {
  const inTurn = createQueue();
  let credit = 0;
  let atMs = clock.monotonic();

  function refill(perSecond: number): void {
    const nowMs = clock.monotonic();
    const earned = (perSecond * Math.max(0, nowMs - atMs)) / 1000;
    credit = Math.min(perSecond * BURST_S, credit + earned);
    atMs = nowMs;
  }

  async function settle(signal: AbortSignal): Promise<void> {
    for (;;) {
      const perSecond = rate();
      if (perSecond === 0) credit = 0;
      else refill(perSecond);
      if (credit >= 0) return;
      signal.throwIfAborted();
      const leftMs = Math.ceil((-credit / perSecond) * 1000);
      await clock.sleep(Math.min(leftMs, LOOK_AGAIN_MS), signal);
    }
  }

  return {
    piece() {
      const perSecond = rate();
      return perSecond === 0 ? undefined : Math.max(LEAST_PIECE, Math.ceil(perSecond * PIECE_S));
    },
    pay: (bytes, signal) =>
      inTurn(async () => {
        const perSecond = rate();
        if (perSecond === 0) {
          atMs = clock.monotonic();
          credit = 0;
          return;
        }
        refill(perSecond);
        credit -= bytes;
        await settle(signal);
      }),
  };
}
