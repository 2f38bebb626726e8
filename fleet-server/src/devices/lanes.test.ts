import { expect, it } from 'vitest';
import { createLanes } from './lanes.ts';

const deferred = () => Promise.withResolvers<void>();

it('does the work of one key in order, and of other keys meanwhile', async () => {
  const take = createLanes(10);
  const done: string[] = [];
  const first = deferred();
  const last = deferred();
  take('a', () => first.promise.then(() => void done.push('a1')));
  take('a', async () => {
    done.push('a2');
    last.resolve();
  });
  const other = deferred();
  take('b', async () => {
    done.push('b1');
    other.resolve();
  });
  await other.promise;
  expect(done).toEqual(['b1']);
  first.resolve();
  await last.promise;
  expect(done).toEqual(['b1', 'a1', 'a2']);
});

it('refuses what would wait too long, until there is room again', async () => {
  const take = createLanes(2);
  const held = deferred();
  const second = deferred();
  expect(take('a', () => held.promise)).toBe(true);
  expect(take('a', async () => second.resolve())).toBe(true);
  expect(take('a', async () => undefined)).toBe(false);
  expect(take('b', async () => undefined)).toBe(true);
  held.resolve();
  await second.promise;
  await new Promise((resolve) => setImmediate(resolve));
  expect(take('a', async () => undefined)).toBe(true);
});
