import { expect, test } from 'vitest';
import { bar, plainProgress, timeLeft } from './progress.ts';

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

test('where there is no terminal, a long step is told of now and then', () => {
  const lines: string[] = [];
  let now = 0;
  const stream = { write: (text: string) => lines.push(text) > 0 };
  const progress = plainProgress(stream, () => now);
  progress.update('building', 0);
  now = 14_000;
  progress.update('building', 0.2);
  expect(lines).toEqual([]);
  now = 15_000;
  progress.update('building', 0.25);
  progress.update('building', 0.26);
  now = 20_000;
  progress.update('signing');
  expect(lines).toEqual(['    building (25 %) …\n']);
});
