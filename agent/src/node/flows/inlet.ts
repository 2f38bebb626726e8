import type { Raw } from '@flotilla/model';
import { abortedOf } from './aborted.ts';

/** How it ended with an item: inferred on, refused by the model, or never looked at. */
export type Ending = 'done' | 'failed' | 'dropped';

/** One thing to infer on, as a source gives it. */
export interface Item {
  readonly raw: Raw;
  /** File, topic or row that it comes from; empty for a frame. */
  readonly label: string;
  /** When it was whole, in milliseconds since boot and since 1970. */
  readonly monotonicMs: number;
  readonly atMs: number;
  /** Called once, when nobody reads `raw` any more. */
  settle(ending: Ending): Promise<void> | void;
}

/**
 * Where items wait for inference, as many as it has room for. A live source goes on and the oldest
 * item is dropped; a source that must lose nothing waits.
 */
export interface Inlet {
  readonly dropped: number;
  /** Resolves at once, or where nothing may be lost, when there is room. */
  put(item: Item): Promise<void>;
  /** The oldest item; undefined when the signal aborts, or when all are taken and no more come. */
  take(signal: AbortSignal): Promise<Item | undefined>;
  /** No more come. */
  end(): void;
  /** Drops what waits. */
  clear(): void;
}

export function createInlet(room: number, lossless: boolean): Inlet {
  const items: Item[] = [];
  let dropped = 0;
  let ended = false;
  /** Whoever waits for an item or for room looks again. */
  let changed = Promise.withResolvers<void>();
  const change = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };

  function drop(item: Item | undefined): void {
    if (item === undefined) return;
    dropped++;
    void item.settle('dropped');
  }

  return {
    get dropped() {
      return dropped;
    },
    async put(item) {
      while (lossless && !ended && items.length >= room) await changed.promise;
      if (ended) return drop(item);
      if (items.length >= room) drop(items.shift());
      items.push(item);
      change();
    },
    async take(signal) {
      const aborted = abortedOf(signal);
      try {
        while (items.length === 0 && !ended && !signal.aborted) {
          await Promise.race([changed.promise, aborted.promise]);
        }
        if (signal.aborted) return undefined;
        const item = items.shift();
        change();
        return item;
      } finally {
        aborted.forget();
      }
    },
    end() {
      ended = true;
      change();
    },
    clear() {
      while (items.length > 0) drop(items.shift());
      change();
    },
  };
}
