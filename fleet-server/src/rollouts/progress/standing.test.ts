import { expect, it } from 'vitest';
import { standingOf } from './standing.ts';
import { wavesOf } from './waves.ts';

it('says more of the way back than of the way there', () => {
  expect(standingOf({ state: 'committed', backState: 'none' })).toBe('committed');
  expect(standingOf({ state: 'committed', backState: 'in-progress' })).toBe('rolling-back');
  expect(standingOf({ state: 'committed', backState: 'committed' })).toBe('rolled-back');
  expect(standingOf({ state: 'committed', backState: 'failed' })).toBe('failed');
  expect(standingOf({ state: 'expired', backState: 'none' })).toBe('silent');
});

it('lets no wave open after a halt', () => {
  const rollout = { sizes: [1, 3, 10], wave: 1, state: 'running' } as const;
  const states = (change: object) =>
    wavesOf({ ...rollout, ...change }, new Map()).map(({ state, size }) => [state, size]);
  expect(states({})).toEqual([
    ['passed', 1],
    ['open', 2],
    ['waiting', 7],
  ]);
  expect(states({ state: 'rolled-back' }).map(([state]) => state)).toEqual([
    'passed',
    'stopped',
    'never',
  ]);
  expect(states({ wave: 2, state: 'done' }).at(-1)?.[0]).toBe('passed');
});
