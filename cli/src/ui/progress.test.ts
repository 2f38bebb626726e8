import { expect, test } from 'vitest';
import { bar, timeLeft } from './progress.ts';

test('the bar fills with the share and stays within its width', () => {
  expect(bar(0.5, 4)).toBe('██░░');
  expect(bar(7, 4)).toBe('████');
  expect(bar(-1, 4)).toBe('░░░░');
});

test('time left is told only when there is something to tell it from', () => {
  expect(timeLeft(500, 0.5)).toBe('');
  expect(timeLeft(10_000, 0.5)).toBe('10 s left');
  expect(timeLeft(100_000, 0.1)).toBe('15 min left');
});
