import fc from 'fast-check';
import { expect, it } from 'vitest';
import { spread } from './spread.ts';
import { STANDINGS } from './standing.ts';

it('gives each device a cell where there is room', () => {
  expect(spread({ pending: 2, committed: 1 }, 20)).toEqual(['committed', 'pending', 'pending']);
});

it('shows one failure among thousands', () => {
  const cells = spread({ committed: 9000, failed: 1, pending: 999 }, 40);
  expect(cells.filter((cell) => cell === 'failed')).toHaveLength(1);
  expect(cells.filter((cell) => cell === 'pending')).toHaveLength(3);
  expect(cells).toHaveLength(40);
});

it('fills its cells, and leaves out nobody, whatever the counts', () => {
  const devices = fc.integer({ min: 0, max: 100_000 });
  const counts = fc.record(Object.fromEntries(STANDINGS.map((name) => [name, devices])));
  fc.assert(
    fc.property(counts, fc.integer({ min: STANDINGS.length, max: 300 }), (given, cells) => {
      const found = spread(given, cells);
      const total = Object.values(given).reduce((sum, value) => sum + value, 0);
      expect(found).toHaveLength(Math.min(total, cells));
      for (const name of STANDINGS) expect(found.includes(name)).toBe((given[name] ?? 0) > 0);
    }),
    { seed: 1, numRuns: 200 },
  );
});
