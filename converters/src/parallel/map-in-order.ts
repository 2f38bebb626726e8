/** Does one piece of work after another, for instance on a thread of its own. */
export type Lane<Item, Result> = (item: Item, index: number) => Promise<Result>;

/** Items that wait at a lane, the one being worked on included: none runs dry while results travel. */
const DEPTH = 2;

/**
 * Spreads work over lanes. Results come in the order of the items, whatever lane they are from, and
 * no more than two items a lane are in flight.
 *
 * @throws what the items or a lane throw, at the place of the item in the order
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item>,
  lanes: readonly Lane<Item, Result>[],
): AsyncGenerator<{ readonly item: Item; readonly result: Result }> {
  const load = lanes.map(() => 0);
  const start = async (item: Item, index: number) => {
    const lane = load.indexOf(Math.min(...load));
    load[lane]! += 1;
    try {
      return { item, result: await lanes[lane]!(item, index) };
    } finally {
      load[lane]! -= 1;
    }
  };
  const flying: Promise<{ item: Item; result: Result }>[] = [];
  let index = 0;
  try {
    for await (const item of items) {
      const next = start(item, index++);
      // It is awaited in its turn; until then a failure must not count as unhandled.
      next.catch(() => undefined);
      flying.push(next);
      if (flying.length >= lanes.length * DEPTH) yield await flying.shift()!;
    }
    while (flying.length > 0) yield await flying.shift()!;
  } finally {
    await Promise.allSettled(flying);
  }
}
