import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { loadAhead } from './load-ahead.ts';

const ITEMS = Array.from({ length: 20 }, (_, i) => i);

test('all come in order, however long each takes to load', async () => {
  const load = async (item: number) => sleep((item * 7) % 5, item * item);
  expect(await Array.fromAsync(loadAhead(ITEMS, load))).toEqual(ITEMS.map((item) => item * item));
  expect(await Array.fromAsync(loadAhead([], load))).toEqual([]);
});

test('a few are loaded ahead, and no more', async () => {
  let begun = 0;
  const loads = loadAhead(ITEMS, async (item) => {
    begun += 1;
    return item;
  });
  for (let taken = 1; taken <= 10; taken++) {
    await loads.next();
    expect(begun).toBeGreaterThan(taken);
    expect(begun).toBeLessThan(taken + 5);
  }
  await loads.return(undefined);
});

test('a failure comes at its place', async () => {
  const seen: number[] = [];
  const all = async () => {
    const load = async (item: number) => {
      if (item === 4) throw new Error('the fifth');
      return item;
    };
    for await (const item of loadAhead(ITEMS, load)) seen.push(item);
  };
  await expect(all()).rejects.toThrow('the fifth');
  expect(seen).toEqual([0, 1, 2, 3]);
});
