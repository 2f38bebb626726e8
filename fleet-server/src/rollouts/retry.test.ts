import { describe, expect, it } from 'vitest';
import { errorClass } from './pace/error-class.ts';
import { afterFailure, type Failure, retryBackMs } from './retry.ts';

const NOW = Date.parse('2027-01-12T12:00:00Z');
const HOUR = 3_600_000;
const pace = {
  maxAttempts: 3,
  retryMs: 1000,
  retry: { networkAttempts: 20, maxPauseMs: 60_000 },
  maintenance: [],
};
const failure = (code: string, change: Partial<Failure> = {}): Failure => ({
  code,
  attempt: 1,
  strikes: 0,
  timeZone: '',
  ...change,
});

describe('a failed attempt', () => {
  it('of the network is tried for long, with a pause that doubles up to a maximum', () => {
    const dueIn = (attempt: number) => {
      const { dueMs, strikes } = afterFailure(pace, failure('download.failed', { attempt }), NOW);
      expect(strikes).toBe(0);
      return dueMs === 0 ? 0 : dueMs - NOW;
    };
    expect([1, 2, 3, 6, 7, 19, 20].map(dueIn)).toEqual([
      1000, 2000, 4000, 32_000, 60_000, 60_000, 0,
    ]);
  });

  it('of the device is tried a few times, whatever the network did in between', () => {
    const second = failure('runtime.died', { attempt: 9, strikes: 1 });
    expect(afterFailure(pace, second, NOW)).toEqual({ dueMs: NOW + 2000, strikes: 2 });
    const third = failure('runtime.died', { attempt: 10, strikes: 2 });
    expect(afterFailure(pace, third, NOW)).toEqual({ dueMs: 0, strikes: 3 });
  });

  it('of the model is not tried again, nor what nobody knows', () => {
    for (const code of ['deployment.self-test-failed', 'deployment.too-slow', 'x', '__proto__']) {
      expect(errorClass(code)).toBe('model');
      expect(afterFailure(pace, failure(code), NOW)).toEqual({ dueMs: 0, strikes: 0 });
    }
  });

  it('that missed its window is tried at the next one, however many it missed', () => {
    const nightly = { ...pace, maintenance: [{ from: '02:00', to: '03:00' }] };
    const missed = failure('deployment.window-closed', { attempt: 40, timeZone: 'Europe/Paris' });
    const next = Date.parse('2027-01-13T01:00:00Z');
    expect(afterFailure(nightly, missed, NOW)).toEqual({ dueMs: next, strikes: 0 });
    const network = failure('download.failed', { timeZone: 'Europe/Paris' });
    expect(afterFailure(nightly, network, NOW).dueMs).toBe(next);
    const within = Date.parse('2027-01-13T01:10:00Z');
    expect(afterFailure(nightly, network, within).dueMs).toBe(within + 1000);
  });

  it('because of a window that never was, or of a hundred in a row, holds no rollout up', () => {
    const missed = failure('deployment.window-closed', { strikes: 2 });
    expect(afterFailure(pace, missed, NOW)).toEqual({ dueMs: 0, strikes: 3 });
    const nightly = { ...pace, maintenance: [{ from: '02:00', to: '03:00' }] };
    const wrongClock = failure('deployment.window-closed', { attempt: 100 });
    expect(afterFailure(nightly, wrongClock, NOW)).toEqual({ dueMs: 0, strikes: 0 });
  });
});

describe('a failed way back', () => {
  it('is tried several times, through any window, and longer where the network failed', () => {
    const nightly = { ...pace, maintenance: [{ from: '02:00', to: '03:00' }] };
    const due = (code: string, attempt: number) => retryBackMs(nightly, { code, attempt }, NOW);
    expect(due('deployment.hung', 4)).toBe(NOW + 8000);
    expect(due('deployment.hung', 5)).toBe(0);
    expect(due('download.failed', 19)).toBeLessThanOrEqual(NOW + HOUR);
    expect(due('download.failed', 20)).toBe(0);
  });
});
