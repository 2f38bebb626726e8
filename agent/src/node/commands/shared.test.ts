import { expect, it } from 'vitest';
import { readQuota } from './shared.ts';

it.each([
  ['auto', 'auto'],
  ['500000', 500_000],
  ['500k', 500_000],
  ['1.5M', 1_500_000],
  ['2G', 2_000_000_000],
])('takes a quota of %s', (text, expected) => {
  expect(readQuota(text)).toBe(expected);
});

it.each(['', '0', '-1', '2T', '1e9', '0x10', ' 5', '9'.repeat(30)])('refuses %j', (text) => {
  expect(() => readQuota(text)).toThrow('--disk-quota takes auto or bytes such as 500M');
});
