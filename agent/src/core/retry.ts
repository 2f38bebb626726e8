import { isFlotillaError } from '@flotilla/protocol';
import { type Backoff, type BackoffOptions, createBackoff } from './backoff.ts';
import type { Clock, FetchResponse, Random } from './ports.ts';

export interface RetryOptions extends BackoffOptions {
  readonly tries: number;
}

/** A server that asks for more is asked again all the same. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

interface Waiting {
  readonly clock: Clock;
  readonly random: Random;
}

/** Calls until it succeeds, fails with what is not passing, or has failed so many times. */
export async function retry<T>(
  { clock, random }: Waiting,
  options: RetryOptions,
  signal: AbortSignal,
  operation: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff(options, random);
  for (let left = options.tries - 1; ; left--) {
    let pause: number;
    try {
      return await operation();
    } catch (error) {
      signal.throwIfAborted();
      if (left <= 0 || !isFlotillaError(error) || !error.retryable) throw error;
      pause = pauseMs(error, backoff, random);
    }
    await clock.sleep(pause, signal);
    signal.throwIfAborted();
  }
}

/**
 * Time before the next try: the back-off, or what the server asked for, of which a fleet that was
 * told the same must not make one moment.
 */
export function pauseMs(error: unknown, backoff: Backoff, random: Random): number {
  const asked = isFlotillaError(error, 'download.failed') ? (error.context.retryAfterMs ?? 0) : 0;
  return Math.max(backoff.next(), asked * (1 + random() / 4));
}

/** What a Retry-After header asks for (RFC 9110 §10.2.3), in ms; undefined where it asks nothing. */
export function retryAfterMs(response: FetchResponse, nowMs: number): number | undefined {
  const text = response.header('retry-after')?.trim() ?? '';
  const asked = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return asked > 0 ? Math.min(asked, LONGEST_RETRY_AFTER_MS) : undefined;
}
