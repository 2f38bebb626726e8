/**
 * Takes work for a key, which it does after all earlier work of that key. Different keys do not wait
 * for each other.
 *
 * @returns false where too much of that key waits already: the work is not done
 */
export type TakeInLane = (key: string, work: () => Promise<void>) => boolean;

interface Lane {
  waiting: number;
  tail: Promise<void>;
}

/** @param most pieces of work that may wait for one key */
export function createLanes(most: number): TakeInLane {
  const lanes = new Map<string, Lane>();
  return (key, work) => {
    const lane = lanes.get(key) ?? { waiting: 0, tail: Promise.resolve() };
    if (lane.waiting >= most) return false;
    lanes.set(key, lane);
    lane.waiting++;
    lane.tail = lane.tail.then(work).finally(() => {
      lane.waiting--;
      if (lane.waiting === 0) lanes.delete(key);
    });
    return true;
  };
}
