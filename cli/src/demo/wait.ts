import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 200;

interface Patience<T> {
  /** Without an answer that is accepted, or that differs in `progress`. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** What of an answer says how far it is: a slow machine is waited for as long as it goes on. */
  progress?(answer: T): string;
}

/**
 * Asks until the answer is accepted, and gives it.
 *
 * @throws Error naming `what` when patience ends, or when the signal is aborted
 */
export async function until<T>(
  what: () => string,
  ask: () => Promise<T>,
  accepts: (answer: T) => boolean,
  options: Patience<T>,
): Promise<T> {
  let deadline = performance.now() + options.timeoutMs;
  let seen = '';
  for (;;) {
    options.signal.throwIfAborted();
    const answer = await ask();
    if (accepts(answer)) return answer;
    const progress = options.progress?.(answer) ?? '';
    if (progress !== seen) deadline = performance.now() + options.timeoutMs;
    seen = progress;
    if (performance.now() > deadline) {
      throw new Error(`${what()}: nothing new for ${options.timeoutMs / 1000} s`);
    }
    await sleep(POLL_MS, undefined, { signal: options.signal });
  }
}
