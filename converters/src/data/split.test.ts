import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shuffleByName, splitByName } from './split.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 2 });

test('a split covers every item once, and both sides have some', () => {
  fc.assert(
    fc.property(names, fc.double({ min: 0, max: 1, noNaN: true }), (all, share) => {
      const items = all.map((name) => ({ name }));
      const { calibration, evaluation } = splitByName(items, share, 1);
      expect(calibration.length).toBeGreaterThan(0);
      expect(evaluation.length).toBeGreaterThan(0);
      expect([...calibration, ...evaluation].map(({ name }) => name).sort()).toEqual(all.sort());
    }),
  );
});

test('the draw does not depend on the order in which a folder lists its files', () => {
  fc.assert(
    fc.property(names, fc.integer(), (all, seed) => {
      const items = all.map((name) => ({ name }));
      const turned = items.toReversed();
      expect(shuffleByName(items, seed)).toEqual(shuffleByName(turned, seed));
    }),
  );
});

test('another seed draws other samples, evenly over numbered names', () => {
  const items = Array.from({ length: 1000 }, (_, i) => ({ name: `image-${i}.jpg` }));
  const first = splitByName(items, 0.5, 1).calibration.map(({ name }) => name);
  const second = splitByName(items, 0.5, 2).calibration.map(({ name }) => name);
  const both = first.filter((name) => second.includes(name)).length;
  expect(both).toBeGreaterThan(200);
  expect(both).toBeLessThan(300);
});
