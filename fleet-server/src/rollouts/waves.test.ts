import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { earlyEnd, orderDevices, type Placed, waveSizes } from './waves.ts';

describe('waves', () => {
  it.each([
    [['5', '10%', '100%'], 200, [5, 20, 200]],
    [['1', '50%', '100%'], 4, [1, 2, 4]],
    [['5', '10%', '100%'], 4, [4]],
    [['1', '10%', '100%'], 5, [1, 5]],
    [['10%', '100%'], 11, [2, 11]],
    [['100%'], 1, [1]],
    [['50%', '2', '100%'], 10, [5, 10]],
  ])('%j of %i devices are %j', (waves, membership, sizes) => {
    expect(waveSizes(waves, membership)).toEqual(sizes);
  });

  it.each([
    [[], 'there are no waves: name some, such as 5, 10%, 100%'],
    [Array(21).fill('100%'), 'there are 21 waves, and 20 is the most: leave some out'],
    [['5', '50%'], 'the last wave, 50%, does not reach every device for sure: end with 100%'],
    [['100'], 'the last wave, 100, does not reach every device for sure: end with 100%'],
    [['50%', '9', '10%', '100%'], 'wave 3 (10%) adds no device to wave 1 (50%): waves are cumul'],
    [['5', '5', '100%'], 'wave 2 (5) adds no device to wave 1 (5): waves are cumulative, so let'],
    [['5', 'half', '100%'], 'wave 2 ("half") is neither a number of devices nor a share of them'],
    [['0', '100%'], 'wave 1 ("0") is neither a number of devices nor a share of them: write it'],
    [['101%', '100%'], 'wave 1 ("101%") is neither'],
  ])('%j is refused', (waves, reason) => {
    try {
      waveSizes(waves, 10);
      expect.unreachable();
    } catch (error) {
      expect(isFlotillaError(error, 'rollout.invalid')).toBe(true);
      expect(String(error)).toContain(`nothing is rolled out: ${reason}`);
    }
  });

  it.each([
    [['5', '500', '100%'], 200, /^wave 500 reaches all 200 devices that take part: the waves/],
    [['5', '100%'], 1, /^wave 5 reaches the only device that takes part/],
    [['5', '10%', '100%'], 200, undefined],
    [['10%', '100%'], 1, undefined],
  ])('%j of %i devices end early where a count reaches all', (waves, membership, told) => {
    const text = earlyEnd(waves, membership);
    if (told === undefined) expect(text).toBeUndefined();
    else expect(text).toMatch(told);
  });

  it('grow to the whole membership', () => {
    const percent = fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 6 });
    fc.assert(
      fc.property(percent, fc.integer({ min: 1, max: 5000 }), (percents, membership) => {
        const waves = [...percents.sort((a, b) => a - b).map((n) => `${n}%`), '100%'];
        const sizes = waveSizes(waves, membership);
        expect(sizes.at(-1)).toBe(membership);
        sizes.forEach((size, i) => {
          expect(size).toBeGreaterThan(sizes[i - 1] ?? 0);
        });
      }),
    );
  });
});

describe('the order of devices', () => {
  const devices = (strata: Readonly<Record<string, number>>): Placed[] =>
    Object.entries(strata).flatMap(([stratum, count]) =>
      Array.from({ length: count }, (_, i) => ({ device: `device-${stratum}-${i}`, stratum })),
    );

  it('is the same for the same rollout, and has another canary for each', async () => {
    const fleet = devices({ a: 200 });
    expect(await orderDevices('r1', fleet)).toEqual(await orderDevices('r1', fleet));
    const canaries = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const [canary = -1] = await orderDevices(`rollout-${i}`, fleet);
      canaries.add(canary);
    }
    expect(canaries.size).toBeGreaterThan(30);
  });

  it('names every device once, and one of each stratum before a second of any', async () => {
    const strata = fc.dictionary(
      fc.constantFrom('a', 'b', 'c', 'd'),
      fc.integer({ min: 1, max: 60 }),
      {
        minKeys: 1,
      },
    );
    await fc.assert(
      fc.asyncProperty(strata, fc.string(), async (sizes, rollout) => {
        const fleet = devices(sizes);
        const order = await orderDevices(rollout, fleet);
        expect([...order].sort((x, y) => x - y)).toEqual(fleet.map((_, i) => i));
        const first = order.slice(0, Object.keys(sizes).length).map((i) => fleet[i]!.stratum);
        expect(new Set(first).size).toBe(first.length);
        const firstSizes = first.map((stratum) => sizes[stratum]!);
        expect(firstSizes).toEqual([...firstSizes].sort((x, y) => y - x));
      }),
    );
  });

  it('gives each stratum its share of every wave', async () => {
    const sizes = { a: 900, b: 90, c: 10 };
    const fleet = devices(sizes);
    const order = await orderDevices('r1', fleet);
    for (const wave of [20, 100, 500, 1000]) {
      const counts = { a: 0, b: 0, c: 0 };
      for (const i of order.slice(0, wave)) counts[fleet[i]!.stratum as 'a']++;
      for (const [stratum, size] of Object.entries(sizes)) {
        const share = (size * wave) / 1000;
        expect(Math.abs(counts[stratum as 'a'] - share)).toBeLessThanOrEqual(2);
      }
    }
  });
});
