import { join } from 'node:path';
import type { Deployment, Draft, Result, Window } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenDatabase, openDatabase } from '../db/open.ts';
import { connectDevice, enrollDevice, type FakeDevice, until } from '../testing/fake-device.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { seedVersion, sure, windowOf } from './testing.ts';

const OUTBOX = '00000000000000aa';

/** A device over MQTT that does what it is told and reports it. */
class Obedient {
  readonly id: string;
  readonly link: FakeDevice;
  active: Deployment | undefined;
  #seq = 0;

  constructor(id: string, link: FakeDevice) {
    this.id = id;
    this.link = link;
  }

  /** Takes what is desired now and commits it where it is new. */
  async obey(): Promise<void> {
    const wanted = this.link.desired.at(-1)?.slots.find(({ name }) => name === 'parts')?.active;
    if (wanted == null || (wanted.id === this.active?.id && wanted.attempt === this.active.attempt))
      return;
    this.active = wanted;
    await this.#outcome(wanted, 'RESULT_IN_PROGRESS');
    await this.#outcome(wanted, 'RESULT_COMMITTED');
  }

  #outcome({ id, attempt, digest }: Deployment, result: Result): Promise<void> {
    const outcome = { deployment: id, attempt, result, digest, slot: 'parts', step: 'commit' };
    return this.link.report({ outbox: OUTBOX, seq: ++this.#seq, outcome });
  }

  async measure(startMs: number, inferences: number, confidence: number): Promise<void> {
    const { id, digest } = this.active!;
    const window: Draft<Window> = windowOf({ deployment: id, digest }, startMs, {
      inferences,
      confidence: sure(inferences, confidence),
    });
    await this.link.telemetry({ outbox: OUTBOX, seq: ++this.#seq, window });
  }
}

describe('a rollout over MQTT', () => {
  let server: TestServer;
  let database: OpenDatabase;
  let devices: Obedient[];
  let timer: NodeJS.Timeout;

  beforeAll(async () => {
    server = await startTestServer();
    database = await openDatabase({ kind: 'sqlite', file: join(server.data, 'fleet.db') });
    for (const version of [1, 2]) {
      await seedVersion(database.db, version, ['x86-64'], 'default');
    }
    devices = [];
    for (const name of ['one', 'two']) {
      const identity = await enrollDevice(server, { name });
      const link = await connectDevice(identity);
      await link.state(1);
      await link.sync();
      devices.push(new Obedient(identity.device, link));
    }
    timer = setInterval(() => {
      // the link is gone while the server restarts
      for (const device of devices) device.obey().catch(() => undefined);
    }, 20);
  });

  afterAll(async () => {
    clearInterval(timer);
    for (const { link } of devices) await link.close();
    await database.close();
    await server.stop();
  });

  const rollOut = async (version: number) => {
    const made = await server.call('POST', '/rollouts', {
      model: 'parts',
      version,
      waves: ['1', '100%'],
      soakMs: 0,
      maxSoakMs: 60_000,
    });
    expect(made.status).toBe(201);
    return String(made.body.id);
  };
  const state = async (id: string) =>
    String((await server.call('GET', `/rollouts/${id}`)).body.state);

  it('reaches devices, hears that the new version is unsure, and takes it back within a second', async () => {
    const first = await rollOut(1);
    await until('version 1 everywhere', async () => (await state(first)) === 'done');
    expect(devices.map(({ active }) => active?.version)).toEqual([1, 1]);

    const startMs = Math.floor(Date.now() / 10_000) * 10_000;
    for (const device of devices) await device.measure(startMs, 200, 0.93);
    const second = await rollOut(2);
    const canary = await until('the canary', () =>
      devices.find(({ active }) => active?.version === 2),
    );
    await canary.measure(startMs, 30, 0.61);
    await until('a verdict that counts', async () => {
      const { body } = await server.call('GET', `/rollouts/${second}`);
      const verdicts = body.verdicts as unknown as { sentence: string }[];
      return verdicts.some(({ sentence }) => sentence.includes('30 of 50 inferences'));
    });
    const asked = performance.now();
    await canary.measure(startMs, 90, 0.61);
    await until('version 1 again', () => canary.active?.version === 1);
    expect(performance.now() - asked).toBeLessThan(5000);
    await until('the end', async () => (await state(second)) === 'rolled-back');
    const { body } = await server.call('GET', `/rollouts/${second}`);
    expect(body.haltedBy).toBe('confidence');
    expect(String(body.sentence)).toContain('from 0.93 to 0.61 over 120 inferences on 1 device');
    expect(devices.map(({ active }) => active?.version)).toEqual([1, 1]);
    const telemetry = await server.call('GET', `/devices/${canary.id}/telemetry`);
    expect(telemetry.body.latest).toHaveLength(1);
    expect(telemetry.body.versions).toHaveLength(2);
  });

  it('goes on after a restart of the server', async () => {
    const id = await rollOut(2);
    await server.restart();
    const { body } = await server.call('GET', `/rollouts/${id}`);
    expect(body.state).toBe('running');
    expect((await server.call('POST', `/rollouts/${id}/abort`)).status).toBe(200);
  });
});
