import { expect, it } from 'vitest';
import { readCount, readNumber } from './numbers.ts';

it('takes numbers from 0 as they are written', () => {
  expect([readNumber('0'), readNumber('1.5'), readCount('24')]).toEqual([0, 1.5, 24]);
});

it.each(['', ' ', '-1', 'many', '1e999', '12px'])('refuses %j as wrong usage', (text) => {
  expect(() => readNumber(text)).toThrow(/is not a number; see --help/);
});

it('refuses a fraction where things are counted', () => {
  expect(() => readCount('1.5')).toThrow('1.5 is not a whole number');
});
