import { describe, expect, test } from 'vitest';
import { measureSensitivity } from './sensitivity.ts';
import { PLAIN } from './testing.ts';

const nodes = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ node: `n${String(i).padStart(3, '0')}`, op: 'Conv' }));

/** Each node adds its own noise where it is in int8. */
function measured(count: number, noiseOf: (node: number) => number) {
  const heavy = nodes(count);
  let probes = 0;
  const result = measureSensitivity({
    scheme: PLAIN,
    heavy,
    async probe({ float }) {
      probes += 1;
      const kl = heavy.reduce(
        (sum, { node }, i) => sum + (float.includes(node) ? 0 : noiseOf(i)),
        0,
      );
      return { divergence: kl, kl, db: 20 };
    },
  });
  return { result, probes: () => probes };
}

describe('sensitivity', () => {
  test('is of each node alone, worst first, where there are few', async () => {
    const { result, probes } = measured(5, (i) => [0.1, 0.5, 0, 0.3, 0.2][i] ?? 0);
    const rows = await result;
    expect(rows.map(({ node }) => node)).toEqual(['n001', 'n003', 'n004', 'n000', 'n002']);
    expect(rows[0]).toMatchObject({ op: 'Conv', kl: 0.5, db: 20 });
    expect(probes()).toBe(5);
  });

  test('finds the one bad node of many with a bounded number of measurements', async () => {
    const { result, probes } = measured(400, (i) => (i === 237 ? 1 : 1e-4));
    const rows = await result;
    expect(rows).toHaveLength(400);
    expect(rows[0]?.node).toBe('n237');
    expect(probes()).toBeLessThanOrEqual(48);
  });

  test('is nothing where nothing can be quantized', async () => {
    expect(await measured(0, () => 1).result).toEqual([]);
  });
});
