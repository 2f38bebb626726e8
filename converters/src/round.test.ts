import { expect, test } from 'vitest';
import { roundHalfEven } from './round.ts';

test('halves go to the even neighbor', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -2.51].map(roundHalfEven)).toEqual([
    0, 2, 2, 0, -2, 0, -3,
  ]);
});
