/** Ways back from a version: of its own accord, at the wish of the server, after crashes. */
import { describe, expect, test, vi } from 'vitest';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { createTestFleet } from '../testing/test-fleet.ts';
import { answer, ended, fast, present, publish, startToyAgent } from '../testing/toy-agent.ts';

describe('an agent', () => {
  test('rolls back by itself when inferences fail while the new model is watched', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    const bad = await publish(fleet, { version: 2, fault: 'fail-on-run' });
    fleet.want({ slots: [present(fleet.deployment(bad, { watchMs: 60_000 }))] });
    await vi.waitFor(() => expect(agent.model('parts')?.installed.version).toBe(2), fast);
    for (let i = 0; i < 5; i++) await answer(agent).catch(() => undefined);
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      code: 'deployment.errors',
    });
    expect(await answer(agent)).toBe(1);
  });

  test('goes back to the version before, which it kept on disk, when the server asks', async () => {
    const fleet = createTestFleet();
    const first = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(first))] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    const second = await publish(fleet, { version: 2 });
    fleet.want({ slots: [present(fleet.deployment(second))], keep: [first.digest] });
    await ended(fleet, 2);
    for (const blob of first.blobs.keys()) fleet.missing.add(blob);
    fleet.want({ slots: [present(fleet.deployment(first))] });
    await ended(fleet, 3);
    expect(fleet.outcomes()[2]).toMatchObject({ result: 'RESULT_COMMITTED', digest: first.digest });
    expect(await answer(agent)).toBe(1);
  });

  test('lets a newer wish end the watch of an older one', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await startToyAgent(fleet);
    await ended(fleet, 1);
    const second = await publish(fleet, { version: 2 });
    fleet.want({ slots: [present(fleet.deployment(second, { watchMs: 3_600_000 }))] });
    await vi.waitFor(() => expect(agent.status().slots[0]?.trial?.version).toBe(2), fast);
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 3 })))] });
    await ended(fleet, 3);
    expect(fleet.outcomes().slice(1)).toMatchObject([
      { result: 'RESULT_ROLLED_BACK', code: 'deployment.superseded', step: 'watch' },
      { result: 'RESULT_COMMITTED' },
    ]);
    expect(await answer(agent)).toBe(3);
  });

  test('goes back to the old model when the agent dies again and again with the new one', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    let storage = createPowerCutStorage();
    const agent = await startToyAgent(fleet, { storage });
    await ended(fleet, 1);
    const second = await publish(fleet, { version: 2 });
    fleet.want({ slots: [present(fleet.deployment(second, { watchMs: 3_600_000 }))] });
    await vi.waitFor(() => expect(agent.status().slots[0]?.trial?.version).toBe(2), fast);
    const served: number[] = [];
    for (let life = 0; life < 4; life++) {
      storage.cut();
      storage = storage.restart('nothing');
      served.push(await answer(await startToyAgent(fleet, { storage })));
    }
    expect(served).toEqual([2, 2, 2, 1]);
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      code: 'deployment.crash-loop',
    });
  });
});
