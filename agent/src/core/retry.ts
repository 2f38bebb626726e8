import { isFlotillaError } from '@flotilla/protocol';
import { type BackoffOptions, createBackoff } from './backoff.ts';
import type { Clock, Random } from './ports.ts';

export interface RetryOptions extends BackoffOptions {
  readonly tries: number;
}

/** Calls until it succeeds, fails with what is not passing, or has failed so many times. */
export async function retry<T>(
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  options: RetryOptions,
  signal: AbortSignal,
  operation: () => Promise<T>,
): Promise<T> {
  const backoff = createBackoff(options, random);
  for (let left = options.tries - 1; ; left--) {
    try {
      return await operation();
    } catch (error) {
      signal.throwIfAborted();
      if (left <= 0 || !isFlotillaError(error) || !error.retryable) throw error;
    }
    await clock.sleep(backoff.next(), signal);
    signal.throwIfAborted();
  }
}
