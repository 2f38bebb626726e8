import { expect, test } from 'vitest';
import { digits, isSoon, said, signed, signedShare, times } from './written.ts';

test('figures have a sign that is read as one, and none where they are nothing', () => {
  expect([digits(-0.012345), signed(0.5), signed(0)]).toEqual(['−0.0123', '+0.5', '0']);
  expect([0.0123, -0.0123, -0.0001].map(signedShare)).toEqual(['+1.2 %', '−1.2 %', '0.0 %']);
  expect(times(1.23456)).toBe('1.235 ×');
});

test('a sentence goes without the state beside it', () => {
  expect(said('latency: closed; 3 devices')).toBe('latency; 3 devices');
  expect([isSoon(6000, 2000), isSoon(8000, 2000)]).toEqual([true, false]);
});
