import { expect, test } from 'vitest';
import { pictureOf, placeOf, suspicionOf } from './evidence.ts';

test('a mean over devices has an interval, and its limit lies on the axis', () => {
  const numbers = { change: 0.26, limit: 0.1, spread: 0.2, devices: 100 };
  const picture = pictureOf({ numbers })!;
  expect(picture).toMatchObject({ value: 0.26, limit: 0.1, from: 0 });
  expect(picture.low).toBeCloseTo(0.2208);
  expect(picture.high).toBeCloseTo(0.2992);
  const places = [picture.from, picture.limit, picture.low, picture.value, picture.high];
  const drawn = places.map((number) => placeOf(picture, number));
  expect(drawn).toEqual(drawn.toSorted((a, b) => a - b));
  expect(drawn.every((place) => place >= 0 && place <= 1)).toBe(true);
});

test('what got better is drawn left of zero', () => {
  const picture = pictureOf({ numbers: { change: -0.3, limit: 0.1, spread: 0, devices: 1 } })!;
  expect(picture.from).toBe(-0.3);
  expect(placeOf(picture, 0)).toBeGreaterThan(0);
});

test('shares and distances have no interval; what has no figure is not drawn', () => {
  expect(pictureOf({ numbers: { share: 0.3, limit: 0.05, asked: 10, bad: 3 } })).toMatchObject({
    ...{ low: 0.3, high: 0.3 },
  });
  expect(pictureOf({ numbers: { distance: 0, limit: 0 } })).toMatchObject({ from: 0, to: 1 });
  expect(pictureOf({ numbers: { matched: 3, minInferences: 50 } })).toBeUndefined();
  expect(pictureOf({ numbers: {} })).toBeUndefined();
});

test('suspicion grows from even odds to certainty', () => {
  expect(suspicionOf({ numbers: { odds: 1, alpha: 0.001 } })).toBeUndefined();
  expect(suspicionOf({ numbers: { odds: 31.6, alpha: 0.001 } })).toBeCloseTo(0.5, 2);
  expect(suspicionOf({ numbers: {} })).toBeUndefined();
});
