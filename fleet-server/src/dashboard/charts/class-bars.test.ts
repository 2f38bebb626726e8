import { expect, test } from 'vitest';
import { classShares } from './class-bars.tsx';

test('each class has its label and its share on both sides', () => {
  expect(classShares(['gear', '<b>bolt'], [1, 1], [3, 1, 4])).toEqual([
    { index: 0, label: 'gear', reference: 0.5, observed: 0.375 },
    { index: 1, label: '<b>bolt', reference: 0.5, observed: 0.125 },
    { index: 2, label: 'class 2', reference: 0, observed: 0.5 },
  ]);
});

test('of many classes the rare ones are one row, and nothing is lost', () => {
  const counts = Array.from({ length: 1000 }, (_, i) => (i % 100 === 0 ? 100 : 1));
  const rows = classShares([], counts, counts);
  expect(rows).toHaveLength(12);
  expect(rows.at(-1)?.label).toBe('989 others');
  expect(rows.reduce((sum, { observed }) => sum + observed, 0)).toBeCloseTo(1, 9);
});
