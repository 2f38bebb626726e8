import { describe, expect, test } from 'vitest';
import { policyText, readPolicy } from './download-policy.ts';

describe('the policy of downloads', () => {
  test.each([
    ['2000', 2000],
    ['250k', 250_000],
    ['1.5M', 1_500_000],
    ['0', 0],
  ])('reads a bandwidth of %s', (bandwidth, bytes) => {
    expect(readPolicy({ bandwidth })).toEqual({ bandwidth: bytes });
  });

  test.each([
    [{ bandwidth: 'fast' }, /--bandwidth takes bytes per second .* not fast/],
    [{ bandwidth: '-1' }, /--bandwidth/],
    [{ bandwidth: '0.25k' }, /--bandwidth is 0 for no cap, or at least 2000, not 0.25k/],
    [{ metered: 'never' }, /--metered is one of allow, delta-only, wait, not never/],
  ])('refuses %o', (options, message) => {
    expect(() => readPolicy(options)).toThrow(message);
  });

  test('is told in words', () => {
    expect(policyText(readPolicy({ bandwidth: '250k', metered: 'wait' }))).toBe(
      'at most 250 kB/s, metered links: wait',
    );
    expect(policyText({ bandwidth: 0 })).toBe('no cap');
    expect(policyText({})).toBe('');
  });
});
