import { describe, expect, test } from 'vitest';
import { createRunTimer } from './run-timer.ts';

const feeds = (size: number) => ({
  x: { type: 'FP32' as const, shape: [size], data: new Float32Array(size) },
});

function bed(golden?: ReturnType<typeof feeds>) {
  const time = { nowMs: 100 };
  return { time, timeRun: createRunTimer({ monotonic: () => time.nowMs }, golden) };
}

describe('a run timer', () => {
  test('tells the time of a run', () => {
    const { time, timeRun } = bed(feeds(4));
    const ended = timeRun(feeds(4));
    time.nowMs += 7;
    expect(ended()).toBe(7);
  });

  test('leaves out the wait for the runs before', () => {
    const { time, timeRun } = bed(feeds(4));
    const calls = [1, 2, 3].map(() => timeRun(feeds(4)));
    const took = calls.map((ended) => {
      time.nowMs += 5;
      return ended();
    });
    expect(took).toEqual([5, 5, 5]);
  });

  test('shares the time of a batch among its samples, and forgives no small input', () => {
    const { time, timeRun } = bed(feeds(4));
    const batch = timeRun(feeds(32));
    time.nowMs += 40;
    expect(batch()).toBe(5);
    const small = timeRun(feeds(2));
    time.nowMs += 6;
    expect(small()).toBe(6);
  });

  test('takes runs as they are where there is no golden input', () => {
    const { time, timeRun } = bed();
    const ended = timeRun(feeds(1000));
    time.nowMs += 3;
    expect(ended()).toBe(3);
  });
});
