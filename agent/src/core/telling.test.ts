/** What an agent tells of its device, and of variants that it only measures. */
import { describe, expect, test, vi } from 'vitest';
import { TOY_CAPABILITIES } from '../testing/core-bed.ts';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { createTestFleet } from '../testing/test-fleet.ts';
import { answer, ended, fast, present, publish, startToyAgent } from '../testing/toy-agent.ts';
import type { AgentPorts } from './assemble.ts';

describe('an agent', () => {
  test('tells anew what the device can do when that changes', async () => {
    const fleet = createTestFleet();
    const cameras: string[] = [];
    const capabilities = async () => ({ ...TOY_CAPABILITIES, cameras: [...cameras] });
    const ports = (bed: AgentPorts): AgentPorts => ({
      ...bed,
      // looks at the device come after milliseconds, not after a minute
      clock: { ...bed.clock, sleep: (ms, signal) => bed.clock.sleep(ms / 10_000, signal) },
      device: { ...bed.device, capabilities },
    });
    await startToyAgent(fleet, { ports });
    const told = () => fleet.state?.capabilities?.cameras;
    await vi.waitFor(() => expect(told()).toEqual([]), fast);
    cameras.push('video0: HD Pro Webcam C920 (usb)');
    await vi.waitFor(() => expect(told()).toEqual(cameras), fast);
  });

  test('tells its time zone and how often it started after no clean stop', async () => {
    const fleet = createTestFleet();
    let storage = createPowerCutStorage();
    const told = (uncleanStarts: number) =>
      vi.waitFor(
        () =>
          expect(fleet.state).toMatchObject({
            online: true,
            uncleanStarts,
            timeZone: 'Europe/Paris',
          }),
        fast,
      );
    let agent = await startToyAgent(fleet, { storage });
    await told(0);
    for (let starts = 1; starts <= 2; starts++) {
      storage.cut();
      storage = storage.restart('nothing');
      agent = await startToyAgent(fleet, { storage });
      await told(starts);
    }
    await agent.stop();
    fleet.state = undefined;
    await startToyAgent(fleet, { storage });
    await told(2);
  });

  test('measures a variant beside what serves, reports its figures and lets it go', async () => {
    const fleet = createTestFleet();
    const active = fleet.deployment(await publish(fleet, { version: 1 }));
    fleet.want({ slots: [present(active)] });
    const storage = createPowerCutStorage();
    const agent = await startToyAgent(fleet, { storage });
    await ended(fleet, 1);
    const variant = await publish(fleet, { version: 2, weights: 'others' });
    const shadow = fleet.deployment(variant, { measureOnly: true });
    fleet.want({ slots: [{ ...present(active), shadow }], config: { maxRssBytes: 1 } });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({
      deployment: shadow.id,
      result: 'RESULT_COMMITTED',
      step: 'commit',
      selfTest: {
        passed: true,
        rssBytes: 1 << 20,
        latencyP95Ms: expect.any(Number),
        runtime: 'toy',
      },
    });
    expect(await answer(agent)).toBe(1);
    expect(agent.status().slots).toMatchObject([{ slot: 'parts', active: { version: 1 } }]);
    const manifest = `blobs/${variant.digest.replace('sha256:', '')}`;
    await vi.waitFor(async () => expect(await storage.size(manifest)).toBeUndefined(), fast);
  });

  test('fails a measurement whose answers are wrong, with the figures', async () => {
    const fleet = createTestFleet();
    const bad = await publish(fleet, { version: 2, fault: 'wrong-output' });
    const shadow = fleet.deployment(bad, { measureOnly: true });
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', shadow }] });
    await startToyAgent(fleet);
    await ended(fleet, 1);
    expect(fleet.outcomes()).toMatchObject([
      {
        result: 'RESULT_FAILED',
        code: 'deployment.self-test-failed',
        // by 1 where a millionth is allowed
        selfTest: { passed: false, toleranceUsed: expect.closeTo(1e6, 0) },
      },
    ]);
  });
});
