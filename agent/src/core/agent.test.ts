import { encode } from '@flotilla/protocol';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { bedOptions, bedPorts, TOY_CAPABILITIES } from '../testing/core-bed.ts';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { createTestFleet, type TestFleet } from '../testing/test-fleet.ts';
import { makeToyBundle, type ToyBundle, type ToyModel } from '../testing/toy-model.ts';
import { type Agent, startAgent } from './agent.ts';
import type { Clock, Storage } from './ports.ts';

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
const input = { x: { type: 'FP32' as const, shape: [1], data: Float32Array.of(1) } };

async function answer(agent: Agent): Promise<number> {
  const { outputs } = await agent.infer('parts', input);
  return Number(outputs.y?.data[0]);
}

const ended = (fleet: TestFleet, count: number) =>
  vi.waitFor(() => expect(fleet.outcomes().length).toBeGreaterThanOrEqual(count), fast);

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.stop().catch(() => undefined)));
});

describe('agent', () => {
  test('tells anew what the device can do when that changes', async () => {
    const fleet = createTestFleet();
    const ports = bedPorts(createPowerCutStorage(), fleet);
    const cameras: string[] = [];
    const capabilities = async () => ({ ...TOY_CAPABILITIES, cameras: [...cameras] });
    // looks at the device come after milliseconds, not after a minute
    const sleep: Clock['sleep'] = (milliseconds, signal) =>
      ports.clock.sleep(milliseconds / 10_000, signal);
    agents.push(
      await startAgent(
        {
          ...ports,
          clock: { ...ports.clock, sleep },
          device: { ...ports.device, capabilities },
        },
        bedOptions(fleet),
      ),
    );
    const told = () => fleet.state?.capabilities?.cameras;
    await vi.waitFor(() => expect(told()).toEqual([]), fast);
    cameras.push('video0: HD Pro Webcam C920 (usb)');
    await vi.waitFor(() => expect(told()).toEqual(cameras), fast);
  });

  test('takes a deployment through its steps and reports success after the commit', async () => {
    const fleet = createTestFleet();
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(bundle))] });
    const agent = await start(fleet);
    await ended(fleet, 1);
    expect(await answer(agent)).toBe(1);
    expect(fleet.outcomes()).toMatchObject([
      {
        result: 'RESULT_COMMITTED',
        selfTest: { passed: true, runtime: 'toy', provider: 'cpu', fallbacks: [] },
      },
    ]);
    expect(agent.status().slots[0]).toMatchObject({ runtime: 'toy', provider: 'cpu' });
    const steps = [...fleet.records.values()].flatMap(({ outcome }) => outcome?.step ?? []);
    expect(steps).toEqual(['download', 'verify', 'selfTest', 'activate', 'watch', 'commit']);
    await vi.waitFor(
      () => expect(fleet.state).toMatchObject({ online: true, active: [{ version: 1 }] }),
      fast,
    );
    await vi.waitFor(() => expect(agent.status().outbox.pending).toBe(0), fast);
  });

  test.each([
    [
      { name: 'onnxruntime', minOpset: 22, opset: 22 } as const,
      'it needs opset 22, and toy 1 ends',
    ],
    [{ name: 'tflite', minOpset: 3, opset: 3 } as const, 'it needs tflite, and the runtimes here'],
  ])('refuses a bundle that none of its runtimes runs: %o', async (runtime, reason) => {
    const fleet = createTestFleet();
    const bundle = await makeToyBundle({ version: 1 }, 'x86-64', runtime);
    fleet.publishBundle(bundle);
    fleet.want({ slots: [present(fleet.deployment(bundle))] });
    await start(fleet);
    await ended(fleet, 1);
    expect(fleet.outcomes()).toMatchObject([
      {
        result: 'RESULT_FAILED',
        code: 'deployment.unfit',
        detail: expect.stringContaining(reason),
      },
    ]);
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

  test('activates no model that takes more than the server allows, and reports what it takes', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await start(fleet);
    await ended(fleet, 1);
    const big = fleet.deployment(await publish(fleet, { version: 2 }));
    fleet.want({ slots: [present(big)], config: { maxRssBytes: 1 << 19 } });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({
      result: 'RESULT_FAILED',
      step: 'selfTest',
      code: 'deployment.too-big',
      detail: expect.stringContaining('parts@2 took 1048576 bytes'),
      selfTest: { passed: true, rssBytes: 1 << 20, latencyP95Ms: expect.any(Number) },
    });
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

  test('goes back to the version before, which it kept on disk, when the server asks', async () => {
    const fleet = createTestFleet();
    const first = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(first))] });
    const agent = await start(fleet);
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
    const agent = await start(fleet);
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

  test('removes a slot only when told so', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    const agent = await start(fleet);
    await ended(fleet, 1);
    fleet.want({ slots: [] });
    await vi.waitFor(() => expect(agent.status().revision).toBe(2), fast);
    expect(await answer(agent)).toBe(1);
    fleet.want({ slots: [{ name: 'parts', mode: 'MODE_ABSENT' }] });
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({ result: 'RESULT_REMOVED' });
    await expect(answer(agent)).rejects.toMatchObject({ code: 'infer.no-slot' });
  });

  test('does nothing new while the fleet is halted, and goes on afterwards', async () => {
    const fleet = createTestFleet();
    fleet.halt(true);
    const agent = await start(fleet);
    await vi.waitFor(() => expect(agent.status().halted).toBe(true), fast);
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    await vi.waitFor(() => expect(agent.status().revision).toBe(1), fast);
    await agent.idle();
    expect(agent.status().attempts).toEqual([]);
    fleet.halt(false);
    await ended(fleet, 1);
  });

  test('ignores an older desired state and a halt that nobody signed', async () => {
    const fleet = createTestFleet();
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(bundle))] });
    const [old] = fleet.retained;
    fleet.want({ slots: [] });
    const agent = await start(fleet);
    await vi.waitFor(() => expect(agent.status().revision).toBe(2), fast);
    const topic = `flotilla/1/lab/all/down/halt`;
    const forged = {
      generation: 9,
      counter: 9,
      halted: true,
      signed: new TextEncoder().encode('{}'),
    };
    for (const listen of fleet.listeners) {
      listen(old?.[0] ?? '', old?.[1] ?? new Uint8Array());
      listen(old?.[0] ?? '', Uint8Array.of(255, 255, 255));
      listen(topic, encode('Halt', forged));
    }
    await vi.waitFor(
      () => expect(agent.log.filter((line) => line.startsWith('message ignored'))).toHaveLength(2),
      fast,
    );
    await agent.idle();
    expect(agent.status()).toMatchObject({ revision: 2, halted: false, attempts: [] });
  });

  test.each([
    [
      'that the repository does not name',
      'trust.rejected',
      (fleet: TestFleet, bundle: ToyBundle) =>
        fleet.deployment({ ...bundle, targetPath: 'parts/9/x86-64/int8' }),
    ],
    [
      'with another digest than was signed',
      'trust.rejected',
      (fleet: TestFleet, bundle: ToyBundle) =>
        fleet.deployment({ ...bundle, digest: `sha256:${'0'.repeat(64)}` }),
    ],
    [
      'whose blobs the server lacks',
      'download.not-found',
      (fleet: TestFleet, bundle: ToyBundle) => {
        for (const blob of bundle.blobs.keys()) fleet.missing.add(blob);
        return fleet.deployment(bundle);
      },
    ],
  ] as const)('refuses a bundle %s', async (_what, code, deploy) => {
    const fleet = createTestFleet();
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(deploy(fleet, bundle))] });
    const agent = await start(fleet);
    await ended(fleet, 1);
    expect(fleet.outcomes()).toMatchObject([{ result: 'RESULT_FAILED', step: 'download', code }]);
    expect(agent.slots).toEqual([]);
  });

  test('refuses a bundle of its own in the slot of another model', async () => {
    const fleet = createTestFleet();
    const deployment = fleet.deployment(await publish(fleet, { version: 1 }));
    fleet.want({ slots: [{ ...present(deployment), name: 'faces' }] });
    const agent = await start(fleet);
    await ended(fleet, 1);
    expect(fleet.outcomes()).toMatchObject([
      { result: 'RESULT_FAILED', step: 'verify', code: 'bundle.invalid' },
    ]);
    expect(agent.slots).toEqual([]);
  });

  test('waits for a server that is away, and for one that signs anew meanwhile', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    fleet.unavailable = 2;
    fleet.resignAfter = 'timestamp.json';
    await start(fleet);
    await ended(fleet, 1);
    expect(fleet.resignAfter).toBe('');
    expect(fleet.outcomes()).toMatchObject([{ result: 'RESULT_COMMITTED' }]);
  });

  test('waits on a metered link, says so, and goes on when the link has changed', async () => {
    const fleet = createTestFleet();
    const ports = bedPorts(createPowerCutStorage(), fleet);
    let metered = true;
    const network = async () => ({ name: 'wwan0', metered, why: 'it is a modem' });
    const device = { ...ports.device, network };
    const agent = await startAgent({ ...ports, device }, bedOptions(fleet));
    agents.push(agent);
    const bundle = await publish(fleet, { version: 1 });
    fleet.want({ slots: [present(fleet.deployment(bundle, { metered: 'METERED_WAIT' }))] });
    const told = () => [...fleet.records.values()].map(({ outcome }) => outcome?.code);
    await vi.waitFor(() => expect(told()).toContain('download.metered'), fast);
    expect(agent.status().attempts).toMatchObject([
      { step: 'download', code: 'download.metered', detail: expect.stringContaining('wwan0') },
    ]);
    metered = false;
    await ended(fleet, 1);
    const bytes = [bundle.manifestBytes, ...bundle.blobs.values()].map(({ length }) => length);
    expect(fleet.outcomes()).toMatchObject([
      {
        result: 'RESULT_COMMITTED',
        transfer: {
          bytes: bytes.reduce((sum, length) => sum + length),
          deltaBytes: 0,
          fallbacks: [],
        },
      },
    ]);
  });

  test('measures a variant beside what serves, reports its figures and lets it go', async () => {
    const fleet = createTestFleet();
    const active = fleet.deployment(await publish(fleet, { version: 1 }));
    fleet.want({ slots: [present(active)] });
    const storage = createPowerCutStorage();
    const agent = await start(fleet, storage);
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
    await start(fleet);
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
    await start(fleet, storage);
    await told(0);
    for (let starts = 1; starts <= 2; starts++) {
      storage.cut();
      storage = storage.restart('nothing');
      await start(fleet, storage);
      await told(starts);
    }
    await agents.at(-1)?.stop();
    fleet.state = undefined;
    await start(fleet, storage);
    await told(2);
  });

  test('goes back to the old model when the agent dies again and again with the new one', async () => {
    const fleet = createTestFleet();
    fleet.want({ slots: [present(fleet.deployment(await publish(fleet, { version: 1 })))] });
    let storage = createPowerCutStorage();
    const agent = await start(fleet, storage);
    await ended(fleet, 1);
    const second = await publish(fleet, { version: 2 });
    fleet.want({ slots: [present(fleet.deployment(second, { watchMs: 3_600_000 }))] });
    await vi.waitFor(() => expect(agent.status().slots[0]?.trial?.version).toBe(2), fast);
    const served: number[] = [];
    for (let life = 0; life < 4; life++) {
      storage.cut();
      storage = storage.restart('nothing');
      served.push(await answer(await start(fleet, storage)));
    }
    expect(served).toEqual([2, 2, 2, 1]);
    await ended(fleet, 2);
    expect(fleet.outcomes()[1]).toMatchObject({
      result: 'RESULT_ROLLED_BACK',
      code: 'deployment.crash-loop',
    });
  });
});
