import type { Parcel } from './sink.ts';

/** All that may wait for one sink, whatever its number. */
const MOST_WAITING_BYTES = 4 << 20;

/** Parcels that wait, bounded in number and bytes; those in the hands of a delivery stay. */
export interface ParcelQueue {
  readonly length: number;
  /** @returns how many others had to go, the oldest first */
  put(parcel: Parcel): number;
  /** The oldest, which stay until they are taken. */
  hold(most: number): readonly Parcel[];
  /** Takes those that are held, or all. @returns how many */
  take(which: 'held' | 'all'): number;
}

/** @param room of parcels beside those that are held */
export function createParcelQueue(room: number): ParcelQueue {
  const waiting: Parcel[] = [];
  let bytes = 0;
  let held = 0;

  function remove(at: number, count: number): number {
    const gone = waiting.splice(at, count);
    bytes -= gone.reduce((sum, { json }) => sum + json.length, 0);
    return gone.length;
  }

  return {
    get length() {
      return waiting.length;
    },
    put(parcel) {
      waiting.push(parcel);
      bytes += parcel.json.length;
      let gone = 0;
      while (
        waiting.length - held > room ||
        (bytes > MOST_WAITING_BYTES && waiting.length > held)
      ) {
        gone += remove(held, 1);
      }
      return gone;
    },
    hold(most) {
      held = Math.min(waiting.length, most);
      return waiting.slice(0, held);
    },
    take(which) {
      const count = which === 'held' ? held : waiting.length;
      held = 0;
      return remove(0, count);
    },
  };
}
