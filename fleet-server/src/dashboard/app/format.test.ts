import { expect, test } from 'vitest';
import { ago, compact, digits, duration, latency, percent, plural } from './format.ts';

test('how long ago is said in one unit, and a clock ahead is forgiven', () => {
  const now = 1_000_000_000;
  expect(ago(0, now)).toBe('never');
  expect(ago(now + 5000, now)).toBe('just now');
  expect(ago(now - 12_400, now)).toBe('12 s ago');
  expect(ago(now - 3 * 3_600_000, now)).toBe('3 h ago');
  expect(duration(90_000)).toBe('1 min');
  expect(duration(-5)).toBe('0 s');
});

test('latency shows three digits and a dash where none was measured', () => {
  expect([latency(0), latency(Number.NaN), latency(0.4231), latency(31.42), latency(1204)]).toEqual(
    ['–', '–', '0.423 ms', '31.4 ms', '1.20 s'],
  );
});

test('numbers stay readable at every size', () => {
  expect([digits(0), digits(1234.5), digits(0.00123), digits(-0.5)]).toEqual([
    '0',
    '1235',
    '0.00123',
    '-0.500',
  ]);
  expect([compact(9999), compact(12_400), compact(3_400_000)]).toEqual(['9,999', '12.4K', '3.4M']);
  expect([percent(0.421), plural(1, 'device'), plural(2, 'device')]).toEqual([
    '42 %',
    '1 device',
    '2 devices',
  ]);
});
