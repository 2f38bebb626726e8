import { describe, expect, test } from 'vitest';
import {
  beginTrial,
  commitTrial,
  countStart,
  EXIT_RELAUNCH,
  INSTALLED,
  type LaunchState,
  MAX_UNCLEAN_STARTS,
} from '../../core/index.ts';
import { afterEnding, beforeStart, type Ending } from './decide.ts';

const TRIAL = {
  place: 'a',
  id: 'd 1',
  starts: 0,
  upMs: 1_000,
  commitMs: 5_000,
  serving: [],
} as const;
const begun = beginTrial(INSTALLED, TRIAL);
/** As it stands once that many starts were counted. */
const started = (times: number): LaunchState =>
  Array.from({ length: times }).reduce<LaunchState>((state) => countStart(state, 1), begun);
const itself = (code: number): Ending => ({ by: 'itself', code });

describe('before a start', () => {
  test('that of a proven agent is not counted', () => {
    expect(beforeStart(INSTALLED)).toBe(INSTALLED);
  });

  test('that of a trial is counted, and after too many the older agent is back', () => {
    expect(beforeStart(begun)).toEqual(started(1));
    expect(beforeStart(started(MAX_UNCLEAN_STARTS))).toMatchObject({
      active: 'installed',
      failed: { id: 'd 1', code: 'update.crashed', detail: expect.stringContaining('3 times') },
    });
  });
});

describe('after the end of a proven agent', () => {
  test.each([0, 1, 137])('with %i, the service manager decides', (code) => {
    const end = afterEnding(INSTALLED, INSTALLED, itself(code));
    expect(end).toEqual({ state: INSTALLED, next: { exit: code } });
  });

  test('that named another to start, that one is started at once', () => {
    const end = afterEnding(INSTALLED, begun, itself(EXIT_RELAUNCH));
    expect(end).toEqual({ state: begun, next: 'start' });
  });

  test('that asks to be started anew for nothing, nothing is started in a loop', () => {
    const end = afterEnding(INSTALLED, INSTALLED, itself(EXIT_RELAUNCH));
    expect(end.next).toEqual({ exit: EXIT_RELAUNCH });
  });
});

describe('after the end of an agent on trial', () => {
  test('it is tried again, and not for ever', () => {
    for (let starts = 1; starts < MAX_UNCLEAN_STARTS; starts++) {
      const state = started(starts);
      expect(afterEnding(state, state, itself(1))).toEqual({ state, next: 'pause' });
    }
    const last = started(MAX_UNCLEAN_STARTS);
    const { state, next } = afterEnding(last, last, itself(139));
    expect(next).toBe('start');
    expect(state).toMatchObject({ active: 'installed', failed: { code: 'update.crashed' } });
    expect(state).not.toHaveProperty('trial');
    expect(state.failed?.detail).toContain('exit code 139');
  });

  test.each([
    ['not-up', 'update.not-up', 'within 1 s'],
    ['overdue', 'update.not-committed', 'within 5 s'],
  ] as const)('that was %s, the older one is back, and says why', (by, code, said) => {
    const { state, next } = afterEnding(started(1), started(1), { by, code: 137 });
    expect(next).toBe('start');
    expect(state.failed).toMatchObject({ code, detail: expect.stringContaining(said) });
  });

  test('a clean stop of the device takes its start back', () => {
    const { state, next } = afterEnding(started(2), started(2), { by: 'stop', code: 0 });
    expect({ state, next }).toEqual({ state: started(1), next: { exit: 0 } });
  });

  test('that was committed in its last moment, it stays', () => {
    const committed = commitTrial(started(1));
    const { state, next } = afterEnding(started(1), committed, { by: 'overdue', code: 0 });
    expect({ state, next }).toEqual({ state: { format: 1, active: 'a' }, next: 'start' });
  });

  test('that gave up by itself, the older one is started', () => {
    const given = { format: 1, active: 'installed', failed: { id: 'd 1', code: 'c', detail: '' } };
    const end = afterEnding(started(1), given as LaunchState, itself(EXIT_RELAUNCH));
    expect(end).toEqual({ state: given, next: 'start' });
  });
});
