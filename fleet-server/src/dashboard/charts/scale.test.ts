import fc from 'fast-check';
import { expect, test } from 'vitest';
import { labelled, placesOf, shares, ticks } from './scale.ts';
import { sparkPoints } from './sparkline.tsx';

test('ticks are round, begin at 0 and cover the largest value', () => {
  expect(ticks(0.43)).toEqual([0, 0.2, 0.4, 0.6]);
  expect(ticks(1)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  expect(ticks(0)).toEqual([0, 1]);
  fc.assert(
    fc.property(fc.double({ min: 1e-9, max: 1e9, noNaN: true }), (most) => {
      const row = ticks(most);
      expect(row[0]).toBe(0);
      expect(row.at(-1)).toBeGreaterThanOrEqual(most * 0.999);
      expect(row.length).toBeLessThanOrEqual(6);
    }),
  );
});

test('shares sum to 1, or are all 0', () => {
  expect(shares([1, 3])).toEqual([0.25, 0.75]);
  expect(shares([0, 0])).toEqual([0, 0]);
});

test('an axis has as many digits as tell its numbers apart', () => {
  expect([placesOf([0.05, 0.95]), placesOf([0.38, 0.65]), placesOf([10, 250])]).toEqual([2, 2, 0]);
  expect([placesOf([]), placesOf([1e-5, 3e-5])]).toEqual([2, 6]);
});

test('labels never exceed their room and lie within the row', () => {
  fc.assert(
    fc.property(fc.nat({ max: 60 }), fc.integer({ min: 1, max: 20 }), (count, room) => {
      const places = labelled(count, room);
      expect(places.length).toBeLessThanOrEqual(room);
      expect(places.every((place) => place >= 0 && place < count)).toBe(true);
    }),
  );
});

test('a sparkline ends at the right edge and stays inside', () => {
  const points = sparkPoints([1, 5, 0, 3], 64, 18);
  expect(points.at(-1)?.[0]).toBe(62);
  for (const [x, y] of points) {
    expect(x).toBeGreaterThanOrEqual(2);
    expect(y).toBeGreaterThanOrEqual(2);
    expect(y).toBeLessThanOrEqual(16);
  }
});
