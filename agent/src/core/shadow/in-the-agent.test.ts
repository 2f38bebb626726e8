/** A shadow's whole way on a device, with a journal that power cuts and crashes meet. */
import { describe, expect, test, vi } from 'vitest';
import { createPowerCutStorage, type PowerCutStorage } from '../../testing/power-cut-storage.ts';
import { createTestFleet, type TestFleet } from '../../testing/test-fleet.ts';
import { answer, ended, fast, publish, startToyAgent } from '../../testing/toy-agent.ts';
import type { ToyModel } from '../../testing/toy-model.ts';
import { openJournal } from '../journal.ts';

const PLAN = { samplePermille: 1000, busyPermille: 1000 };

const start = (fleet: TestFleet, storage: PowerCutStorage) =>
  startToyAgent(fleet, { storage, options: { telemetryOverrideMs: 100 } });

const windowsOf = (fleet: TestFleet, role: string) =>
  [...fleet.records.values()].flatMap(({ window }) => (window?.role === role ? [window] : []));

/** A device that serves version 1, and what its slot is to be. */
async function bed(model: Partial<ToyModel> = {}) {
  const fleet = createTestFleet();
  const active = fleet.deployment(await publish(fleet, { version: 1 }));
  const slot = { name: 'parts', mode: 'MODE_PRESENT' as const, active };
  const bundle = await publish(fleet, { version: 2, ...model });
  const shadow = fleet.deployment(bundle, { shadow: PLAN });
  fleet.want({ slots: [slot] });
  const storage = createPowerCutStorage();
  const agent = await start(fleet, storage);
  await ended(fleet, 1);
  return { fleet, slot, shadow, bundle, storage, agent };
}

describe('a shadow', () => {
  test('comes beside the active model, is compared with it, answers nobody, and goes', async () => {
    const { fleet, slot, shadow, bundle, storage, agent } = await bed();
    fleet.want({ slots: [{ ...slot, shadow }] });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({
      deployment: shadow.id,
      result: 'RESULT_COMMITTED',
      selfTest: { passed: true },
    });
    const steps = [...fleet.records.values()].flatMap(({ outcome }) =>
      outcome && outcome.deployment === shadow.id ? [outcome.step] : [],
    );
    expect(steps).toEqual(['download', 'verify', 'selfTest', 'activate', 'commit']);
    expect(agent.status().slots).toMatchObject([
      { slot: 'parts', active: { version: 1 }, shadow: { version: 2 } },
    ]);
    await vi.waitFor(async () => {
      expect(await answer(agent)).toBe(1);
      expect(windowsOf(fleet, 'ROLE_SHADOW')).not.toEqual([]);
    }, fast);
    const [window] = windowsOf(fleet, 'ROLE_SHADOW');
    expect(window).toMatchObject({
      slot: 'parts',
      deployment: shadow.id,
      digest: bundle.digest,
      version: 2,
      errors: 0,
      // it answers 2 where the active model answers 1
      comparison: { agreed: 0, activeDigest: slot.active.digest },
    });
    expect(window?.comparison?.compared).toBe(window?.inferences);
    expect(window?.comparison?.compared).toBeGreaterThan(0);
    expect(windowsOf(fleet, 'ROLE_ACTIVE')[0]).toMatchObject({ version: 1, comparison: null });

    fleet.want({ slots: [slot] });
    await ended(fleet, 3);
    expect(fleet.outcomes()[2]).toMatchObject({
      deployment: shadow.id,
      result: 'RESULT_REMOVED',
      code: '',
    });
    expect(await answer(agent)).toBe(1);
    expect(agent.status().slots[0]?.shadow).toBeUndefined();
    const manifest = `blobs/${bundle.digest.replace('sha256:', '')}`;
    await vi.waitFor(async () => expect(await storage.size(manifest)).toBeUndefined(), fast);
  });

  test('that fails its self-test, or does not load, leaves the active model alone', async () => {
    const { fleet, slot, shadow, agent } = await bed({ fault: 'wrong-output' });
    fleet.want({ slots: [{ ...slot, shadow }] });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({
      result: 'RESULT_FAILED',
      code: 'deployment.self-test-failed',
    });
    const hanging = await publish(fleet, { version: 3, fault: 'hang-on-load' });
    fleet.want({ slots: [{ ...slot, shadow: fleet.deployment(hanging, { shadow: PLAN }) }] });
    await vi.waitFor(
      () => expect(agent.status().attempts.at(-1)).toMatchObject({ step: 'activate' }),
      fast,
    );
    // what hangs beside a slot does not hold up what comes into it
    const next = fleet.deployment(await publish(fleet, { version: 4 }));
    fleet.want({ slots: [{ ...slot, active: next }] });
    await vi.waitFor(async () => expect(await answer(agent)).toBe(4), fast);
  });

  test('counts what it fails on in its own windows only', async () => {
    const { fleet, slot, shadow, agent } = await bed({ fault: 'fail-on-run' });
    fleet.want({ slots: [{ ...slot, shadow }] });
    await ended(fleet, 2);
    await vi.waitFor(async () => {
      expect(await answer(agent)).toBe(1);
      expect(windowsOf(fleet, 'ROLE_SHADOW')).not.toEqual([]);
    }, fast);
    const [window] = windowsOf(fleet, 'ROLE_SHADOW');
    expect(window?.errors).toBeGreaterThan(0);
    expect(window?.comparison).toMatchObject({ compared: 0 });
    expect(windowsOf(fleet, 'ROLE_ACTIVE').every(({ errors }) => errors === 0)).toBe(true);
  });

  test('becomes the active model without being fetched again', async () => {
    const { fleet, slot, shadow, bundle, agent } = await bed();
    fleet.want({ slots: [{ ...slot, shadow }] });
    await ended(fleet, 2);
    for (const blob of bundle.blobs.keys()) fleet.missing.add(blob);
    fleet.want({ slots: [{ ...slot, active: fleet.deployment(bundle) }] });
    await vi.waitFor(async () => expect(await answer(agent)).toBe(2), fast);
    await ended(fleet, 4);
    const results = fleet.outcomes().map(({ result }) => result);
    expect(results.slice(2).sort()).toEqual(['RESULT_COMMITTED', 'RESULT_REMOVED']);
  });

  test('runs again after a restart, without its server too', async () => {
    const { fleet, slot, shadow, storage, agent } = await bed();
    fleet.want({ slots: [{ ...slot, shadow }] });
    await ended(fleet, 2);
    await agent.stop();
    const before = windowsOf(fleet, 'ROLE_SHADOW').length;
    const again = await start(fleet, storage);
    await vi.waitFor(async () => {
      await answer(again);
      expect(windowsOf(fleet, 'ROLE_SHADOW').length).toBeGreaterThan(before);
    }, fast);
    expect((await openJournal(storage, '')).state.shadows).toMatchObject({ parts: { starts: 1 } });
  });

  test('is dropped before a model on trial when the agent dies again and again', async () => {
    const { fleet, slot, shadow, storage: first, agent } = await bed();
    fleet.want({ slots: [{ ...slot, shadow }] });
    await ended(fleet, 2);
    const trial = fleet.deployment(await publish(fleet, { version: 3 }), { watchMs: 3_600_000 });
    fleet.want({ slots: [{ ...slot, active: trial, shadow }] });
    await vi.waitFor(() => expect(agent.status().slots[0]?.trial?.version).toBe(3), fast);
    let storage = first;
    for (let life = 0; life < 3; life++) {
      storage.cut();
      storage = storage.restart('nothing');
      expect(await answer(await start(fleet, storage))).toBe(3);
    }
    await ended(fleet, 3);
    expect(fleet.outcomes()[2]).toMatchObject({
      deployment: shadow.id,
      result: 'RESULT_REMOVED',
      code: 'deployment.crash-loop',
      detail: 'the agent died 3 times with this shadow',
    });
    const { slots, shadows } = (await openJournal(storage, '')).state;
    expect(slots.parts).toMatchObject({ trial: { version: 3 }, trialStarts: 0 });
    expect(shadows).toEqual({});
  });

  test('is there in the end, and the active model always, whenever the power goes', async () => {
    const { fleet, slot, shadow, storage, agent: first } = await bed();
    await first.stop();
    fleet.want({ slots: [{ ...slot, shadow }] });
    const committed = () =>
      fleet
        .outcomes()
        .some((it) => it.deployment === shadow.id && it.result === 'RESULT_COMMITTED');
    for (let cut = 0; ; cut += 3) {
      fleet.records.clear();
      const life = storage.restart('nothing');
      life.cutAt(cut);
      const agent = await start(fleet, life).catch(() => undefined);
      await vi.waitFor(() => expect(committed() || life.operations === cut).toBe(true), fast);
      await agent?.stop().catch(() => undefined);
      if (committed()) break;
      const again = await start(fleet, life.restart('torn'));
      expect(await answer(again)).toBe(1);
      await vi.waitFor(() => expect(committed()).toBe(true), fast);
      await again.stop();
    }
  }, 60_000);
});
