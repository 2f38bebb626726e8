import { isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderDevices, waveSizes } from './waves.ts';

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
    [[], '0 waves'],
    [['5', '50%'], 'the last wave is 50%; it must be 100%'],
    [['100'], 'it must be 100%'],
    [['50%', '10%', '100%'], '10% cannot follow'],
    [['5', '5', '100%'], '5 cannot follow'],
    [['half', '100%'], 'neither a number of devices'],
    [['0', '100%'], 'neither'],
    [['101%', '100%'], 'neither'],
  ])('%j is refused', (waves, reason) => {
    try {
      waveSizes(waves, 10);
      expect.unreachable();
    } catch (error) {
      expect(isFlotillaError(error, 'rollout.invalid')).toBe(true);
      expect(String(error)).toContain(reason);
    }
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
  const devices = Array.from({ length: 200 }, (_, i) => `device-${i}`);

  it('is the same for a rollout whatever order they come in', () => {
    expect(orderDevices('r1', [...devices].reverse())).toEqual(orderDevices('r1', devices));
  });

  it('has another canary for each rollout', () => {
    const canaries = new Set(
      Array.from({ length: 50 }, (_, i) => orderDevices(`rollout-${i}`, devices)[0]),
    );
    expect(canaries.size).toBeGreaterThan(30);
  });
});
