import { expect, test, vi } from 'vitest';
import { keepAnswers } from './kept-answers.ts';

function bed(tookMs: number) {
  let now = 0;
  let found = 0;
  const find = vi.fn(async () => {
    await Promise.resolve();
    now += tookMs;
    return ++found;
  });
  const keep = keepAnswers<number>(() => now);
  return { find, ask: (key: string) => keep(key, find), pass: (ms: number) => (now += ms) };
}

test('who asks while an answer is found gets that one', async () => {
  const { ask, find } = bed(5);
  expect(await Promise.all([ask('a'), ask('a'), ask('b')])).toEqual([1, 1, 2]);
  expect(find).toHaveBeenCalledTimes(2);
  expect(await ask('a')).toBe(3);
});

test('an answer that took long is kept for ten times as long', async () => {
  const { ask, pass } = bed(200);
  expect(await ask('a')).toBe(1);
  pass(1999);
  expect(await ask('a')).toBe(1);
  pass(1);
  expect(await ask('a')).toBe(2);
});

test('what failed is asked for anew', async () => {
  let now = 0;
  const keep = keepAnswers<string>(() => now);
  const failing = keep('a', async () => {
    now += 50;
    throw new Error('no database');
  });
  await expect(failing).rejects.toThrow('no database');
  expect(await keep('a', async () => 'found')).toBe('found');
});
