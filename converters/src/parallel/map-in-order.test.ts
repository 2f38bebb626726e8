import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { type Lane, mapInOrder } from './map-in-order.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

async function collect<T>(results: AsyncIterable<{ readonly result: T }>): Promise<T[]> {
  const all: T[] = [];
  for await (const { result } of results) all.push(result);
  return all;
}

/** Takes a number of milliseconds for each item, and counts what it did. */
function slowLane(milliseconds: number, depth: number): Lane<number, number> & { done: number } {
  const lane = {
    depth,
    done: 0,
    async run(item: number) {
      await sleep(milliseconds);
      lane.done += 1;
      return item * item;
    },
  };
  return lane;
}

test('results come in the order of the items, however slow a lane is', async () => {
  const lanes = [slowLane(5, 1), slowLane(0, 3), slowLane(2, 2)];
  const squares = Array.from({ length: 40 }, (_, i) => i * i);
  expect(await collect(mapInOrder(numbers(40), () => lanes))).toEqual(squares);
  expect(lanes.reduce((sum, { done }) => sum + done, 0)).toBe(40);
  expect(lanes[1]!.done).toBeGreaterThan(lanes[0]!.done);
});

test('a lane that comes later takes part', async () => {
  const late = slowLane(0, 4);
  const lanes = [slowLane(2, 1)];
  const results = mapInOrder(numbers(20), () => lanes);
  await results.next();
  lanes.push(late);
  await collect(results);
  expect(late.done).toBeGreaterThan(0);
});

test('no more items are asked for than there is room for', async () => {
  let asked = 0;
  async function* counted(): AsyncGenerator<number> {
    for (; asked < 100; asked++) yield asked;
  }
  const results = mapInOrder(counted(), () => [slowLane(1, 2), slowLane(1, 2)]);
  await results.next();
  expect(asked).toBeLessThan(32);
  await results.return(undefined);
});

test('a failure comes at its place, and the items are closed', async () => {
  let closed = false;
  async function* items(): AsyncGenerator<number> {
    try {
      yield* numbers(10);
    } finally {
      closed = true;
    }
  }
  const run = async (item: number) => {
    if (item === 3) throw new Error('the fourth');
    return item;
  };
  const seen: number[] = [];
  const all = async () => {
    for await (const { result } of mapInOrder(items(), () => [{ depth: 2, run }])) {
      seen.push(result);
    }
  };
  await expect(all()).rejects.toThrow('the fourth');
  expect(seen).toEqual([0, 1, 2]);
  expect(closed).toBe(true);
});
