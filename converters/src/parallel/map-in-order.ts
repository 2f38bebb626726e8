/** Does one piece of work after another, here or on a thread of its own. */
export interface Lane<Item, Result> {
  /**
   * Items that it may hold, the one being worked on included: 1 on the calling thread, which each
   * run blocks; a few on another, so that it does not run dry while this one is blocked.
   */
  readonly depth: number;
  run(item: Item, index: number): Promise<Result>;
}

/** Results that may wait for an earlier one, for each lane. */
const WAITING = 8;

interface Flight<Item, Result> {
  readonly result: Promise<{ readonly item: Item; readonly result: Result }>;
  landed: boolean;
}

/**
 * Spreads work over lanes. Results come in the order of the items, whatever lane they are from; items
 * are asked for only as there is room for them.
 *
 * @param lanes asked before each item, at least one; there may be more of them later
 * @throws what the items or a lane throw, at the place of the item in the order
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item>,
  lanes: () => readonly Lane<Item, Result>[],
): AsyncGenerator<{ readonly item: Item; readonly result: Result }> {
  const dispatch = dispatcher<Item, Result>();
  const iterator = items[Symbol.asyncIterator]();
  const flying: Flight<Item, Result>[] = [];
  let more = true;
  try {
    for (;;) {
      while (flying[0]?.landed) yield await flying.shift()!.result;
      const lane = flying.length < lanes().length * WAITING ? dispatch.free(lanes()) : undefined;
      if (more && lane !== undefined) {
        const next = await iterator.next();
        if (next.done) more = false;
        else flying.push(dispatch.send(next.value, lane));
      } else if (flying.length > 0) {
        await Promise.race(flying.filter(({ landed }) => !landed).map(({ result }) => result));
      } else return;
    }
  } finally {
    await Promise.allSettled(flying.map(({ result }) => result));
    await iterator.return?.();
  }
}

function dispatcher<Item, Result>() {
  const load = new Map<Lane<Item, Result>, number>();
  const room = (lane: Lane<Item, Result>): number => lane.depth - (load.get(lane) ?? 0);
  let index = 0;
  return {
    /** The lane with the most room; of equals a later one, since the first may block this thread. */
    free(lanes: readonly Lane<Item, Result>[]): Lane<Item, Result> | undefined {
      const most = lanes.reduce((best, lane) => (room(lane) >= room(best) ? lane : best));
      return room(most) > 0 ? most : undefined;
    },
    send(item: Item, lane: Lane<Item, Result>): Flight<Item, Result> {
      const work = async () => {
        load.set(lane, (load.get(lane) ?? 0) + 1);
        try {
          return { item, result: await lane.run(item, index++) };
        } finally {
          load.set(lane, load.get(lane)! - 1);
          flight.landed = true;
        }
      };
      const result = work();
      const flight: Flight<Item, Result> = { result, landed: false };
      // It is awaited in its turn; until then a failure must not count as unhandled.
      result.catch(() => undefined);
      return flight;
    },
  };
}
