import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 40;

/**
 * Waits until `look` answers something other than undefined or false. What it throws counts as a no,
 * for a server may be away.
 *
 * @param what named in the error where the time runs out
 */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  let last: unknown;
  for (const giveUp = Date.now() + timeoutMs; Date.now() < giveUp; await sleep(POLL_MS)) {
    try {
      const seen = await look();
      if (seen !== undefined && seen !== false) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
  }
  const reason = last instanceof Error ? `; last: ${last.message}` : '';
  throw new Error(`${what}: not within ${timeoutMs} ms${reason}`);
}
