import fc from 'fast-check';
import { expect, test } from 'vitest';
import { roundHalfEven } from './round.ts';

test('halves go to the even neighbor', () => {
  expect([0.5, 1.5, 2.5, -0.5, -1.5, 0.49, -2.51].map((value) => roundHalfEven(value) + 0)).toEqual(
    [0, 2, 2, 0, -2, 0, -3],
  );
});

test('so do those that doubles just still have, and whole numbers and what is no number stay', () => {
  const last = 2 ** 52;
  expect(roundHalfEven(last - 0.5)).toBe(last);
  expect(roundHalfEven(last - 1.5)).toBe(last - 2);
  expect(roundHalfEven(0.5 - last)).toBe(-last);
  expect(roundHalfEven(2 ** 51 - 0.5)).toBe(2 ** 51);
  for (const value of [last + 1, -(2 ** 60), Infinity, -Infinity, Number.NaN]) {
    expect(roundHalfEven(value)).toBe(value);
  }
});

test('no whole number is nearer', () => {
  fc.assert(
    fc.property(fc.double({ min: -(2 ** 53), max: 2 ** 53, noNaN: true }), (value) => {
      const rounded = roundHalfEven(value);
      expect(Number.isInteger(rounded)).toBe(true);
      expect(Math.abs(rounded - value)).toBeLessThanOrEqual(0.5);
    }),
  );
});
