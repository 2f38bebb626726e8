/** Lets the event loop serve others between two pieces of work. */
export const breathe = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** A millisecond or two of most work. */
const PORTION = 1000;

/** Items in portions, between which the event loop serves others, as whatever goes over a whole fleet must. */
export async function* portionsOf<T>(
  items: readonly T[],
  size = PORTION,
): AsyncGenerator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) {
    if (from > 0) await breathe();
    yield items.slice(from, from + size);
  }
}
