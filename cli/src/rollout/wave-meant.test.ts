import type { RolloutProgress } from '@flotilla/fleet-server/progress';
import { expect, it } from 'vitest';
import { waveMeant } from './wave-meant.ts';

it.each([
  [-1, 1],
  [0, 2],
  [1, 3],
  [2, 3],
])('means, while the wave of index %i is open, wave %i of 3', (wave, meant) => {
  const waves = Array<RolloutProgress['waves'][number]>(3);
  expect(waveMeant({ wave, waves })).toBe(meant);
});
