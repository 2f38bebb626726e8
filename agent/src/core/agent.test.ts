import { afterEach, describe, expect, test, vi } from 'vitest';
import { bedOptions, bedPorts } from '../testing/core-bed.ts';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { createTestFleet, type TestFleet } from '../testing/test-fleet.ts';
import { makeToyBundle, type ToyBundle, type ToyModel } from '../testing/toy-model.ts';
import { type Agent, startAgent } from './agent.ts';
import type { Storage } from './ports.ts';

const agents: Agent[] = [];
const fast = { interval: 2, timeout: 10_000 };

async function start(fleet: TestFleet, storage: Storage = createPowerCutStorage()) {
  const log: string[] = [];
  const agent = await startAgent(bedPorts(storage, fleet, log), bedOptions(fleet));
  agents.push(agent);
  return Object.assign(agent, { log });
}

async function publish(fleet: TestFleet, model: ToyModel): Promise<ToyBundle> {
  const bundle = await makeToyBundle(model);
  fleet.publishBundle(bundle);
  return bundle;
}

const present = (active: object) => ({ name: 'parts', mode: 'MODE_PRESENT' as const, active });
const input = { x: { type: 'FP32' as const, shape: [1], data: Float32Array.of(0) } };

async function answer(agent: Agent): Promise<number> {
  const { outputs } = await agent.infer('parts', input);
  return Number(outputs.y?.data[0]);
}

const ended = (fleet: TestFleet, count: number) =>
  vi.waitFor(() => expect(fleet.outcomes().length).toBeGreaterThanOrEqual(count), fast);

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop()));
});

describe('agent', () => {
  test('takes a deployment through its steps and reports success after the commit', async () => {
    const fleet = createTestFleet();
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(bundle))] });
    const agent = await start(fleet);
    await ended(fleet, 1);
    expect(await answer(agent)).toBe(1);
    expect(fleet.outcomes()).toMatchObject([
      { result: 'RESULT_COMMITTED', selfTest: { passed: true } },
    ]);
    const steps = [...fleet.records.values()].flatMap(({ outcome }) => outcome?.step ?? []);
    expect(steps).toEqual(['download', 'verify', 'selfTest', 'activate', 'watch', 'commit']);
    await vi.waitFor(
      () => expect(fleet.state).toMatchObject({ online: true, active: [{ version: 1 }] }),
      fast,
    );
    await vi.waitFor(() => expect(agent.status().outbox.pending).toBe(0), fast);
  });

  test('serves from the journal without a server after a restart', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const storage = createPowerCutStorage();
    await start(fleet, storage);
    await ended(fleet, 1);
    await Promise.all(agents.splice(0).map((agent) => agent.stop()));
    const away = createTestFleet('http://away.test');
    const offline = {
      ...away,
      identity: fleet.identity,
      root: fleet.root,
      get: () => ({ status: 503, body: new Uint8Array() }),
    };
    const again = await start(offline, storage);
    expect(await answer(again)).toBe(1);
    expect(again.status().online).toBe(false);
  });

  test.each([
    [
      'a wrong answer in the self-test',
      'wrong-output',
      'RESULT_FAILED',
      'deployment.self-test-failed',
    ],
    ['a crash in the self-test', 'crash-on-load', 'RESULT_FAILED', 'internal.unexpected'],
  ] as const)('keeps the old model after %s', async (_what, fault, result, code) => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await start(fleet);
    await ended(fleet, 1);
    const bad = await publish(fleet, { version: 2, fault });
    fleet.want({ slots: [present(fleet.deployment(bad))] });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({ result, code });
    expect(await answer(agent)).toBe(1);
  });

  test('rolls back by itself when inferences fail while the new model is watched', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await start(fleet);
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
});
