import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRefresher } from './refresher.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('the first request runs at once, those that follow soon run once together', async () => {
  const work = vi.fn(async () => undefined);
  const refresher = createRefresher(work, 1000);
  refresher.request();
  expect(work).toHaveBeenCalledTimes(1);
  for (let i = 0; i < 10; i++) refresher.request();
  await vi.advanceTimersByTimeAsync(999);
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(work).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(5000);
  expect(work).toHaveBeenCalledTimes(2);
});

test('work that takes long never runs beside itself', async () => {
  let running = 0;
  const work = async () => {
    running++;
    expect(running).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 3000));
    running--;
  };
  const refresher = createRefresher(work, 100);
  for (let i = 0; i < 20; i++) {
    refresher.request();
    await vi.advanceTimersByTimeAsync(500);
  }
});

test('nothing runs after it was stopped', async () => {
  const work = vi.fn(async () => undefined);
  const refresher = createRefresher(work, 1000);
  refresher.request();
  refresher.request();
  refresher.stop();
  await vi.advanceTimersByTimeAsync(5000);
  refresher.request();
  expect(work).toHaveBeenCalledTimes(1);
});

test('work that failed is asked again after the interval, however long it took', async () => {
  const work = vi.fn(() => new Promise((resolve) => setTimeout(resolve, 300_000, false)));
  const refresher = createRefresher(work, 1000);
  refresher.request();
  await vi.advanceTimersByTimeAsync(300_000);
  refresher.request();
  await vi.advanceTimersByTimeAsync(1000);
  expect(work).toHaveBeenCalledTimes(2);
});

test('work that takes long rests for five times as long', async () => {
  const work = vi.fn(() => new Promise<void>((resolve) => setTimeout(resolve, 400)));
  const refresher = createRefresher(work, 1000);
  refresher.request();
  await vi.advanceTimersByTimeAsync(400);
  refresher.request();
  await vi.advanceTimersByTimeAsync(1999);
  expect(work).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(work).toHaveBeenCalledTimes(2);
});
