import fc from 'fast-check';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { bedOptions, bedPorts } from '../testing/core-bed.ts';
import {
  createPowerCutStorage,
  type Loss,
  type PowerCutStorage,
} from '../testing/power-cut-storage.ts';
import { createTestFleet } from '../testing/test-fleet.ts';
import { makeToyBundle } from '../testing/toy-model.ts';
import { type Agent, startAgent } from './agent.ts';

const LOSSES: readonly Loss[] = ['nothing', 'names', 'torn'];
const fast = { interval: 1, timeout: 10_000 };
const input = { x: { type: 'FP32' as const, shape: [1], data: Float32Array.of(0) } };

const fleet = createTestFleet();
/** A device that runs version 1 and has never heard of version 2. */
let before: PowerCutStorage;
/** Changes that the storage sees from the start to the end of the deployment of version 2. */
let operations: number;

const run = (storage: PowerCutStorage) => startAgent(bedPorts(storage, fleet), bedOptions(fleet));

async function served(agent: Agent): Promise<number> {
  const { outputs } = await agent.infer('parts', input);
  return Number(outputs.y?.data[0]);
}

const settled = (version: number, agent: Agent) =>
  vi.waitFor(() => {
    const { slots, outbox } = agent.status();
    expect(slots[0]?.active?.version).toBe(version);
    expect(outbox.pending).toBe(0);
  }, fast);

async function want(version: number): Promise<void> {
  const bundle = await makeToyBundle({ version });
  fleet.publishBundle(bundle);
  const active = fleet.deployment(bundle, { watchMs: 3 });
  fleet.want({ slots: [{ name: 'parts', mode: 'MODE_PRESENT', active }] });
}

/** Runs until the power goes at that operation, or until version 2 is committed. */
async function runUntil(storage: PowerCutStorage, cutAt: number): Promise<void> {
  storage.cutAt(cutAt);
  const agent = await run(storage).catch(() => undefined);
  if (agent === undefined) return;
  await vi.waitFor(() => {
    if (storage.operations < cutAt) expect(agent.status().slots[0]?.active?.version).toBe(2);
  }, fast);
  storage.cut();
  await agent.stop().catch(() => undefined);
}

/** Right after each start the device serves version 1 or 2, and with time it runs version 2. */
async function expectConverges(cuts: readonly { at: number; loss: Loss }[]): Promise<void> {
  fleet.records.clear();
  let storage = before.restart('nothing');
  for (const { at, loss } of cuts) {
    await runUntil(storage, at);
    storage = storage.restart(loss);
  }
  const agent = await run(storage);
  expect([1, 2]).toContain(await served(agent));
  await settled(2, agent);
  expect(await served(agent)).toBe(2);
  const results = new Set(fleet.outcomes().map(({ result }) => result));
  expect(results).toEqual(new Set(['RESULT_COMMITTED']));
  await agent.stop();
}

describe('a power cut', () => {
  beforeAll(async () => {
    before = createPowerCutStorage();
    await want(1);
    const first = await run(before);
    await settled(1, first);
    await first.stop();
    before = before.restart('nothing');
    await want(2);
    const rehearsal = before.restart('nothing');
    const agent = await run(rehearsal);
    await settled(2, agent);
    operations = rehearsal.operations;
    await agent.stop();
  });

  test('at any operation of a deployment leads to the old model or the new one', async () => {
    expect(operations).toBeGreaterThan(50);
    for (let at = 0; at < operations; at++) {
      await expectConverges([{ at, loss: LOSSES[at % LOSSES.length] ?? 'nothing' }]);
    }
  });

  test('after another, at any operations, leads to the old model or the new one', async () => {
    const cut = fc.record({ at: fc.nat(operations), loss: fc.constantFrom(...LOSSES) });
    const cuts = fc.array(cut, { minLength: 2, maxLength: 3 });
    await fc.assert(fc.asyncProperty(cuts, expectConverges), { numRuns: 30 });
  });
});
