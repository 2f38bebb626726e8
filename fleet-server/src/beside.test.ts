import { expect, it } from 'vitest';
import { allBeside, beside } from './beside.ts';

it('does each item once, never more than so many at a time', async () => {
  let now = 0;
  let most = 0;
  const done: number[] = [];
  const items = Array.from({ length: 50 }, (_, i) => i);
  await beside(4, items, async (item) => {
    most = Math.max(most, ++now);
    await new Promise((resolve) => setImmediate(resolve));
    now--;
    done.push(item);
  });
  expect(done.sort((a, b) => a - b)).toEqual(items);
  expect(most).toBe(4);
});

it('ends with the first failure', async () => {
  const work = async (item: number) => {
    if (item === 3) throw new Error('no 3');
  };
  await expect(beside(2, [1, 2, 3, 4], work)).rejects.toThrow('no 3');
});

it('tells the failure that came first, whichever item it is of, once all have settled', async () => {
  let settled = 0;
  const work = async (ticks: number) => {
    for (let tick = 0; tick < ticks; tick++) await new Promise((resolve) => setImmediate(resolve));
    settled++;
    throw new Error(`after ${ticks}`);
  };
  await expect(allBeside([3, 1, 5], work)).rejects.toThrow('after 1');
  expect(settled).toBe(3);
});
