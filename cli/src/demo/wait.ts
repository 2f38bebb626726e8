import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;

/**
 * Asks until the answer is accepted, and gives it.
 *
 * @throws Error naming `what` after `timeoutMs`, or when the signal is aborted
 */
export async function until<T>(
  what: () => string,
  ask: () => Promise<T>,
  accepts: (answer: T) => boolean,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<T> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    options.signal.throwIfAborted();
    const answer = await ask();
    if (accepts(answer)) return answer;
    if (performance.now() > deadline) {
      throw new Error(`${what()}: not within ${options.timeoutMs / 1000} s`);
    }
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
}
