import { expect, it } from 'vitest';
import { readCount, readNumber, readPoints, readSome } from './numbers.ts';

it('takes numbers from 0 as they are written', () => {
  expect(['0', '1.5'].map((text) => readNumber('--hours', text))).toEqual([0, 1.5]);
  expect(readCount('--runs', '24')).toBe(24);
  expect(readPoints('--max-drop', '0.5')).toBe(0.005);
});

it.each(['', ' ', '-1', 'many', '1e999', '12px'])('refuses %j as wrong usage', (text) => {
  const says = `--hours takes a number from 0, not ${JSON.stringify(text)}; see --help`;
  expect(() => readNumber('--hours', text)).toThrow(says);
});

it('refuses a fraction where things are counted, and points beyond all', () => {
  expect(() => readCount('--runs', '1.5')).toThrow('--runs takes a whole number, not "1.5"');
  expect(() => readPoints('--max-drop', '101')).toThrow('takes percentage points from 0 to 100');
});

it.each(['0', 'v1', '1.5', '', '-1'])('refuses %j as a version', (text) => {
  const says = `--model-version takes a whole number from 1, not ${JSON.stringify(text)}`;
  expect(() => readSome('--model-version', text)).toThrow(says);
});
