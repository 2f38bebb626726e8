import type { Tensors } from '@flotilla/model';
import type { Clock } from '../ports.ts';

/** Called before a run with its inputs; what it returns is called after it. */
export type RunTimer = (feeds: Tensors) => () => number;

/**
 * Times runs so that they compare with those of the self-test. A session runs one call after the
 * other, so a call's time counts from the end of the one before; and a batch takes the time of its
 * samples, so its time is divided by how much larger it is than the golden input.
 *
 * @returns of each run, milliseconds
 */
export function createRunTimer(
  clock: Pick<Clock, 'monotonic'>,
  golden: Tensors | undefined,
): RunTimer {
  const usual = Math.max(1, sizeOf(golden ?? {}));
  let freeMs = 0;
  return (feeds) => {
    const askedMs = clock.monotonic();
    const times = golden === undefined ? 1 : Math.max(1, sizeOf(feeds) / usual);
    return () => {
      const endedMs = clock.monotonic();
      const tookMs = endedMs - Math.max(askedMs, freeMs);
      freeMs = endedMs;
      return tookMs / times;
    };
  };
}

/** Elements of all tensors. */
function sizeOf(feeds: Tensors): number {
  let size = 0;
  for (const { data } of Object.values(feeds)) size += data.length;
  return size;
}
