/** Loads beside the one that is waited for: hidden behind a run of the model, which blocks its thread. */
const AHEAD = 3;

/**
 * Loads items in order, a few of them ahead of the one that is asked for.
 *
 * @throws what `load` throws, at the place of the item in the order
 */
export async function* loadAhead<Item, Loaded>(
  items: readonly Item[],
  load: (item: Item) => Promise<Loaded>,
): AsyncGenerator<Loaded> {
  const coming: Promise<Loaded>[] = [];
  for (let next = 0; next < items.length || coming.length > 0; ) {
    for (; next < items.length && coming.length <= AHEAD; next++) {
      const loading = load(items[next]!);
      // A failure is thrown where it is waited for; until then it must not count as unhandled.
      loading.catch(() => undefined);
      coming.push(loading);
    }
    yield await coming.shift()!;
  }
}
