import { expect, test } from 'vitest';
import { countSleep, systemClock } from './system-clock.ts';

test('the monotonic clock counts the time asleep, and never goes back', () => {
  const time = { awakeMs: 5000, asleepMs: 0 };
  const noise = [3, -8, 9, 0, -4];
  let looks = 0;
  const clock = countSleep(
    () => time.awakeMs,
    () => time.awakeMs + time.asleepMs + (noise[looks++ % noise.length] ?? 0),
  );
  let lastMs = clock();
  expect(lastMs).toBe(5000);
  for (let i = 0; i < 50; i++) {
    time.awakeMs += 700;
    if (i === 20) time.asleepMs += 3_600_000;
    const nowMs = clock();
    expect(nowMs).toBeGreaterThanOrEqual(lastMs);
    lastMs = nowMs;
  }
  expect(Math.abs(lastMs - (5000 + 50 * 700 + 3_600_000))).toBeLessThan(20);
});

test('the monotonic clock of this machine goes on', async () => {
  const beganMs = systemClock.monotonic();
  await systemClock.sleep(20);
  const tookMs = systemClock.monotonic() - beganMs;
  expect(tookMs).toBeGreaterThan(15);
  expect(tookMs).toBeLessThan(20_000);
});
