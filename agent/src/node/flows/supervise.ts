import type { Clock, Random } from '../../core/index.ts';
import { createBackoff } from '../../core/index.ts';
import type { Source, SourceOutput } from './source.ts';

const RESTART = { firstMs: 500, longestMs: 30_000 };
/** A source that ran for so long before it failed is run again without a long pause. */
const WELL_MS = 30_000;

/**
 * Runs a source until it is at its end or the signal aborts. One that fails, as a camera does that is
 * unplugged, is run again after a pause, for ever: it may be plugged in again.
 *
 * @param failed told why, each time
 */
export async function superviseSource(
  source: Source,
  output: SourceOutput,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
  failed: (error: unknown) => void,
): Promise<void> {
  const backoff = createBackoff(RESTART, random);
  while (!signal.aborted) {
    const beganMs = clock.monotonic();
    try {
      return await source.run(output, signal);
    } catch (error) {
      if (signal.aborted) return;
      failed(error);
    }
    if (clock.monotonic() - beganMs > WELL_MS) backoff.reset();
    await clock.sleep(backoff.next(), signal);
  }
}
