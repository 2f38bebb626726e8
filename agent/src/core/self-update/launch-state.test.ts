import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  beginTrial,
  commitTrial,
  countStart,
  encodeLaunchState,
  failTrial,
  freePlace,
  INSTALLED,
  type LaunchState,
  PLACES,
  readLaunchState,
} from './launch-state.ts';

const place = fc.constantFrom(...PLACES);
const count = fc.nat();
const trial = fc.record({
  ...{ place, id: fc.string(), starts: count, upMs: count, commitMs: count },
  serving: fc.array(fc.string()),
});

describe('what the launcher starts', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(place, trial, fc.string(), (active, tried, detail) => {
        const begun = beginTrial({ ...INSTALLED, active }, tried);
        const failed = failTrial(begun, { code: 'update.crashed', detail });
        for (const state of [begun, countStart(begun, 1), commitTrial(begun), failed]) {
          expect(readLaunchState(encodeLaunchState(state))).toEqual(state);
        }
      }),
    );
  });

  test('is the installed agent where there is no file', () => {
    expect(readLaunchState(undefined)).toEqual(INSTALLED);
  });

  test.each([
    '',
    'null',
    '[]',
    '{"format":2,"active":"a"}',
    '{"format":1,"active":"c"}',
    '{"format":1,"active":"a","trial":{"place":"b"}}',
    '{"format":1,"active":"a","trial":{"place":"b","id":"x","starts":-1,"upMs":1,"commitMs":1,"serving":[]}}',
    '{"format":1,"active":"a","failed":{"id":1}}',
  ])('is nothing where the file says %j', (text) => {
    expect(readLaunchState(new TextEncoder().encode(text))).toBeUndefined();
  });

  test('is the new agent after a commit, the older one after a failure', () => {
    const tried = { place: 'b', id: 'x', starts: 1, upMs: 1, commitMs: 1, serving: [] } as const;
    const begun: LaunchState = beginTrial({ format: 1, active: 'a' }, tried);
    expect(commitTrial(begun)).toEqual({ format: 1, active: 'b' });
    const why = { code: 'update.crashed', detail: 'it ended' };
    expect(failTrial(begun, why)).toEqual({ format: 1, active: 'a', failed: { id: 'x', ...why } });
  });

  test('never lies where the next release goes', () => {
    for (const active of PLACES) {
      // the installed agent stands in for one that cannot be started
      for (const running of [active, 'installed'] as const) {
        expect([active, running, 'installed']).not.toContain(freePlace(running, { active }));
      }
    }
  });
});
