import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

const never = new AbortController().signal;

test('sections under one key wait for each other, also after one that fails', async () => {
  const turns = createTurns();
  const first = Promise.withResolvers<void>();
  const order: string[] = [];
  const failing = turns('a', never, async () => {
    await first.promise;
    order.push('first');
    throw new Error('it failed');
  });
  const second = turns('a', never, async () => void order.push('second'));
  await turns('b', never, async () => void order.push('beside'));
  first.resolve();
  await expect(failing).rejects.toThrow('it failed');
  await second;
  expect(order).toEqual(['beside', 'first', 'second']);
});

test('whoever waits leaves when its signal aborts, and the next has its turn all the same', async () => {
  const turns = createTurns();
  const first = Promise.withResolvers<void>();
  const running = turns('a', never, () => first.promise);
  const leaving = new AbortController();
  const left = turns('a', leaving.signal, async () => expect.unreachable());
  leaving.abort(new Error('no more'));
  await expect(left).rejects.toThrow('no more');
  const next = turns('a', never, async () => 'next');
  first.resolve();
  await running;
  expect(await next).toBe('next');
});
