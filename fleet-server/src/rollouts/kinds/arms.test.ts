import { describe, expect, it } from 'vitest';
import { candidateArm } from './arms.ts';

const devices = Array.from({ length: 100 }, (_, i) => `device-${i}`);

describe('the arms of an A/B rollout', () => {
  it('hold the share, are the same for the same rollout, and others for another', async () => {
    const arm = await candidateArm('one', devices, 30);
    expect(arm.size).toBe(30);
    expect(await candidateArm('one', devices.toReversed(), 30)).toEqual(arm);
    const other = await candidateArm('two', devices, 30);
    expect([...other].filter((device) => arm.has(device)).length).toBeLessThan(20);
  });

  it('hold at least one device each', async () => {
    expect((await candidateArm('one', devices.slice(0, 2), 1)).size).toBe(1);
    expect((await candidateArm('one', devices.slice(0, 2), 99)).size).toBe(1);
    await expect(candidateArm('one', ['a'], 50)).rejects.toThrow(/only one can take part/);
  });
});
