import {
  type Draft,
  type Record as OutboxRecord,
  trustRoot,
  verifyDirector,
  type Window,
  webCryptoVerifier,
} from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startMosquitto } from '../../test/support/mosquitto.ts';
import { startPostgres } from '../../test/support/postgres.ts';
import type { ServerConfig } from './config.ts';
import {
  connectDevice,
  enrollDevice,
  type FakeDevice,
  type Identity,
  signLogin,
  until,
} from './testing/fake-device.ts';
import { startTestServer, type TestServer } from './testing/test-server.ts';
import { pushBundles } from './testing/uploads.ts';

const postgres = await startPostgres();
const mosquitto = await startMosquitto();
afterAll(async () => {
  await postgres?.stop();
  await mosquitto?.stop();
});

type Settings = Partial<ServerConfig>;
const outside: Settings = {
  broker: mosquitto?.url ?? '',
  brokerUser: mosquitto?.admin.username ?? '',
  brokerPassword: mosquitto?.admin.password ?? '',
};
const SETTINGS: [string, () => Promise<Settings>][] = [['SQLite and aedes', async () => ({})]];
if (postgres !== undefined && mosquitto !== undefined) {
  const database = () => postgres.createDatabase();
  SETTINGS.push(['SQLite and Mosquitto', async () => outside]);
  SETTINGS.push(['PostgreSQL and aedes', async () => ({ database: await database() })]);
  SETTINGS.push([
    'PostgreSQL and Mosquitto',
    async () => ({ ...outside, database: await database() }),
  ]);
}

/** Of models, as the operator sets them. */
const LIMITS: Settings = {
  maxLatencyMs: 250,
  maxModelBytes: 2 ** 33,
  watchLatencyFactor: 6,
  watchMemoryBytes: 2 ** 28,
};

const OUTBOX = '0123456789abcdef';
const MINUTE_MS = 60_000;

describe.each(SETTINGS)('the way of a model on %s', (_, settings) => {
  let server: TestServer;
  let identity: Identity;
  let device: FakeDevice;
  let seq = 0;
  beforeAll(async () => {
    server = await startTestServer({ ...LIMITS, ...(await settings()) });
    identity = await enrollDevice(server);
    device = await connectDevice(identity);
    await device.state(1);
    await device.sync();
    await until('the first desired state', () => device.desired.length > 0);
  });
  afterAll(async () => {
    await device?.close();
    await server?.stop();
  });

  /** The newest desired state that orders that bundle. */
  const ordered = (digest: string | undefined) =>
    until('the order of a bundle', () =>
      device.desired.findLast(({ slots }) => slots[0]?.active?.digest === digest),
    );

  const isStored = (number: number) =>
    device.acks.some((ack) =>
      ack.stored.some(({ first, last }) => first <= number && number <= last),
    );

  /** Sends a record as often as it is named, and waits for its acknowledgement. */
  async function deliver(record: Draft<OutboxRecord>, times = 1): Promise<void> {
    const keyed = { ...record, outbox: OUTBOX, seq: ++seq };
    const send = record.window === undefined ? device.report : device.telemetry;
    for (let i = 0; i < times; i++) await send(keyed);
    const number = seq;
    await until(`the acknowledgement of ${number}`, () => isStored(number));
  }

  async function rollOut(version: number): Promise<void> {
    const request = { model: 'parts', version, devices: 'all', waves: ['100%'], soakMs: 0 };
    const answer = await server.call('POST', '/rollouts', request);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  }

  it('tells the device what the operator allows a model', () => {
    const { maxModelBytes: maxRssBytes, ...rest } = LIMITS;
    expect(device.desired[0]?.config).toMatchObject({ ...rest, maxRssBytes });
  });

  it('leads from a push to a signed order that the device can check and fetch', async () => {
    const [bundle] = await pushBundles(server, 1);
    await rollOut(1);
    const desired = await ordered(bundle?.digest);
    const slot = desired.slots[0]!;
    expect(slot).toMatchObject({ name: 'parts', mode: 'MODE_PRESENT', active: { attempt: 1 } });
    expect(desired.keep).toEqual([bundle?.digest]);
    const trusted = trustRoot(JSON.stringify(identity.root));
    const now = new Date();
    const verdict = await verifyDirector(
      trusted,
      desired.director,
      identity,
      now,
      webCryptoVerifier,
    );
    expect(verdict.ok && verdict.targets.get(slot.active!.targetPath)?.digest).toBe(bundle?.digest);
    const { url, digest } = slot.active!;
    const manifest = await fetch(`${server.url}${url}/${digest}`, {
      headers: { authorization: `Bearer ${await signLogin(identity)}` },
    });
    expect(manifest.status).toBe(200);
  });

  it('leads back: what the device reports is stored once, however often it is sent', async () => {
    const { id: deployment, attempt, digest } = device.desired.at(-1)!.slots[0]!.active!;
    const outcome = { deployment, attempt, digest, slot: 'parts' };
    await deliver({ outcome: { ...outcome, result: 'RESULT_IN_PROGRESS', step: 'download' } });
    await deliver({ outcome: { ...outcome, result: 'RESULT_COMMITTED', step: 'commit' } }, 3);
    const list = await server.call('GET', `/devices/${identity.device}/deployments`);
    expect(list.body.items).toMatchObject([{ deployment, result: 'committed', version: 1 }]);

    const startMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    const window: Draft<Window> = {
      slot: 'parts',
      deployment,
      digest,
      role: 'ROLE_ACTIVE',
      startMs,
      lengthMs: MINUTE_MS,
      inferences: 10,
      classCounts: [10],
    };
    await deliver({ window }, 3);
    await deliver({ window }, 2);
    const telemetry = await server.call('GET', `/devices/${identity.device}/telemetry`);
    const series = telemetry.body.series as unknown as { inferences: number }[];
    expect(series.reduce((sum, point) => sum + point.inferences, 0)).toBe(20);
  });

  it('keeps what ran before on the device, and takes it back where the next one fails', async () => {
    const first = device.desired.at(-1)!.slots[0]!.active!.digest;
    const [bundle] = await pushBundles(server, 2);
    await rollOut(2);
    const desired = await ordered(bundle?.digest);
    expect(new Set(desired.keep)).toEqual(new Set([first, bundle?.digest]));
    const { id, attempt, digest } = desired.slots[0]!.active!;
    const failure = { code: 'self-test.failed', step: 'selfTest', slot: 'parts' };
    const outcome = {
      deployment: id,
      attempt,
      digest,
      result: 'RESULT_FAILED',
      ...failure,
      selfTest: { passed: true, latencyMs: 3, latencyP95Ms: 4, rssBytes: 5000, provider: 'cpu' },
    } as const;
    await deliver({ outcome });
    const back = await until('the way back', () =>
      device.desired.findLast(({ revision, slots }) => {
        return revision > desired.revision && slots[0]?.active?.digest === first;
      }),
    );
    expect(back.slots[0]?.active?.id).not.toBe(id);
    const list = await server.call('GET', `/devices/${identity.device}/deployments`);
    expect((list.body.items as unknown as unknown[])[1]).toMatchObject({
      result: 'failed',
      selfTest: { latencyMs: 3, latencyP95Ms: 4, rssBytes: 5000, provider: 'cpu' },
    });
  });

  it('goes on after the server was away, from what device and database know', async () => {
    const known = device.desired.at(-1)!;
    await device.close();
    await server.restart();
    device = await connectDevice(identity);
    await device.state(2);
    await device.sync({ generation: known.generation, revision: known.revision });
    const desired = await until('the desired state', () => device.desired[0]);
    expect(desired.slots[0]?.active?.digest).toBe(known.slots[0]?.active?.digest);
    // A record of before, sent again: its acknowledgement was lost.
    seq = 0;
    await deliver({ outcome: { deployment: known.slots[0]!.active!.id, attempt: 1 } });
  });
});
