import fc from 'fast-check';
import { expect, test } from 'vitest';
import { divideByName, shuffleByName } from './split.ts';

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), { minLength: 2 });

test('parts cover every item once, in the sizes asked for as far as the items reach', () => {
  const sizes = fc.array(fc.nat({ max: 20 }), { maxLength: 4 });
  fc.assert(
    fc.property(names, sizes, (all, wanted) => {
      const items = all.map((name) => ({ name }));
      const { parts, rest } = divideByName(items, wanted, 1);
      parts.forEach((part, i) => {
        const before = parts.slice(0, i).reduce((sum, { length }) => sum + length, 0);
        expect(part).toHaveLength(Math.min(wanted[i] ?? 0, items.length - before));
      });
      const found = [...parts.flat(), ...rest].map(({ name }) => name);
      expect(found.sort()).toEqual(all.sort());
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
  const first = divideByName(items, [500], 1)
    .parts.flat()
    .map(({ name }) => name);
  const second = divideByName(items, [500], 2)
    .parts.flat()
    .map(({ name }) => name);
  const both = first.filter((name) => second.includes(name)).length;
  expect(both).toBeGreaterThan(200);
  expect(both).toBeLessThan(300);
});
