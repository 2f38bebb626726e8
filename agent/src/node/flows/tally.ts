import { asFlotillaError, FlotillaError } from '@flotilla/protocol';
import type { Clock } from '../../core/index.ts';
import type { FlowFigures } from './flow-status.ts';
import { createRecent } from './recent.ts';

/** Counts what becomes of the items of one flow. */
export interface Tally {
  came(): void;
  /** @param ageMs of the item when it was taken */
  inferred(ageMs: number): void;
  filtered(): void;
  /** @param label of the item; empty for a frame */
  refused(label: string, error: unknown): void;
  /** The source failed, and is run again after a pause. */
  restarts(error: unknown): void;
  /** The flow itself failed. */
  broken(error: unknown): void;
  figures(): Omit<FlowFigures, 'dropped'>;
}

/** @param told of an error that is another than the one before */
export function createTally(source: string, clock: Clock, told: (reason: string) => void): Tally {
  const counts = { items: 0, inferred: 0, failed: 0, filtered: 0, restarts: 0 };
  const arrivals = createRecent();
  const ages = createRecent();
  let fault: { readonly error: string; readonly errorAt: string } | undefined;

  function broken(error: unknown): void {
    const { message } = asFlotillaError(error);
    if (message !== fault?.error) told(message);
    fault = { error: message, errorAt: new Date(clock.now()).toISOString() };
  }

  return {
    broken,
    came() {
      counts.items++;
      arrivals.record(0, clock.monotonic());
    },
    inferred(ageMs) {
      counts.inferred++;
      ages.record(ageMs, clock.monotonic());
    },
    filtered() {
      counts.filtered++;
    },
    refused(label, error) {
      counts.failed++;
      const where = label === '' ? source : `${source}, ${label}`;
      const reason = error instanceof Error ? error.message : String(error);
      broken(new FlotillaError('flow.item-refused', { source: where, reason }, { cause: error }));
    },
    restarts(error) {
      counts.restarts++;
      broken(error);
    },
    figures() {
      const nowMs = clock.monotonic();
      const ageMs = ages.median(nowMs);
      return {
        ...counts,
        itemsPerSecond: tenths(arrivals.rate(nowMs)),
        inferredPerSecond: tenths(ages.rate(nowMs)),
        ...(ageMs === undefined ? {} : { ageMs: tenths(ageMs) }),
        ...fault,
      };
    },
  };
}

/** Rounded to tenths. */
export const tenths = (value: number): number => Math.round(value * 10) / 10;
