import type { Desired, Draft, Outcome, Precision } from '@flotilla/protocol';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres } from '../../../test/support/postgres.ts';
import {
  connectDevice,
  enrollDevice,
  type FakeDevice,
  type Identity,
  until,
} from '../testing/fake-device.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { makeBundle, push, tarOf } from '../testing/uploads.ts';

const postgres = await startPostgres();
afterAll(() => postgres?.stop());
const KINDS = postgres === undefined ? (['sqlite'] as const) : (['sqlite', 'postgres'] as const);

const PATH = '/models/parts/versions/1/measurements';
const OUTBOX = '0123456789abcdef';

/** What a device answers to the order of a variant; undefined: nothing. */
type Answer = (precision: string, attempt: number) => Draft<Outcome> | undefined;

const took = (latencyMs: number): Draft<Outcome> => ({
  result: 'RESULT_COMMITTED',
  selfTest: { passed: true, latencyMs, latencyP95Ms: 2 * latencyMs, rssBytes: 1e7, runtime: 'ort' },
});
const failed = (code: string): Draft<Outcome> => ({ result: 'RESULT_FAILED', code, detail: 'why' });

interface Run {
  readonly id: string;
  readonly state: string;
  readonly orders: { name: string; precision: string; state: string; code: string }[];
}
interface Measured {
  readonly variants: { precision: string; devices: number; failed: number; latencyMs: number }[];
  readonly choices: { target: string; precision: string; reason: string }[];
  readonly measurements: { name: string; precision: string; p50Ms: number; code: string }[];
}

describe.each(KINDS)('a lab on %s', (kind) => {
  let server: TestServer;
  const open: FakeDevice[] = [];
  /** Every order that a device took up. */
  let ordered: string[];

  beforeEach(async () => {
    ordered = [];
    const database = kind === 'sqlite' ? '' : await postgres!.createDatabase();
    server = await startTestServer({ database });
    const precisions: Precision[] = ['int8', 'fp16', 'fp32'];
    const bundles = await Promise.all(
      precisions.map((precision) => makeBundle({ precision, target: 'raspberry-pi-5' })),
    );
    const files = Object.fromEntries(bundles.map(({ name, bytes }) => [name, bytes]));
    expect((await push(server, 'parts', await tarOf(files))).status).toBe(202);
  });

  afterEach(async () => {
    for (const device of open.splice(0)) await device.close();
    await server.stop();
  });

  const enroll = (name: string) => enrollDevice(server, { name, target: 'raspberry-pi-5' });

  /** A device that measures as the agent does: once for each (deployment, attempt). */
  async function measuring(identity: Identity, answer: Answer, connectSeq = 1) {
    const device = await connectDevice(identity);
    open.push(device);
    const done = new Set<string>();
    const take = async ({ slots }: Desired) => {
      const shadow = slots[0]?.shadow;
      const key = `${shadow?.id} ${shadow?.attempt}`;
      if (shadow == null || done.has(key)) return;
      done.add(key);
      expect(shadow).toMatchObject({ measureOnly: true, model: 'parts', version: 1 });
      ordered.push(`${identity.device} ${shadow.precision}`);
      const outcome = answer(shadow.precision, shadow.attempt);
      if (outcome === undefined) return;
      const { id: deployment, attempt } = shadow;
      await device.report({
        ...{ outbox: OUTBOX, seq: done.size },
        outcome: { deployment, attempt, ...outcome },
      });
    };
    let seen = 0;
    const timer = setInterval(() => {
      for (const desired of device.desired.slice(seen)) void take(desired);
      seen = device.desired.length;
    }, 10);
    device.client.on('close', () => clearInterval(timer));
    await device.state(connectSeq);
    await device.sync();
    await until('the first desired state', () => device.desired.length > 0);
    return device;
  }

  const start = async (body: object = { devices: 'all' }) => {
    const answer = await server.call('POST', PATH, body);
    expect(answer.status, JSON.stringify(answer.body)).toBe(201);
    return answer.body as unknown as Run;
  };
  const read = async (id: string) =>
    (await server.call('GET', `${PATH}/runs/${id}`)).body as unknown as Run;
  const ended = (id: string) =>
    until('the end of the lab run', async () => {
      const run = await read(id);
      return run.state !== 'running' && run;
    });
  const measured = async () => (await server.call('GET', PATH)).body as unknown as Measured;

  it('has each device run each variant, and gives the target the fastest', async () => {
    const speeds: Record<string, number> = { int8: 12.3, fp16: 9, fp32: 40 };
    await measuring(await enroll('one'), (precision) => took(speeds[precision]!));
    await measuring(await enroll('two'), (precision) =>
      precision === 'fp16' ? took(12) : took(speeds[precision]! * 2),
    );
    const before = await measured();
    expect(before.choices).toMatchObject([{ target: 'raspberry-pi-5', precision: 'int8' }]);
    const { id } = await start();
    const run = await ended(id);
    expect(run.state).toBe('done');
    expect(run.orders.map(({ state }) => state)).toEqual(Array(6).fill('measured'));
    expect(ordered).toHaveLength(6);
    const { variants, choices, measurements } = await measured();
    expect(measurements).toHaveLength(6);
    expect(variants.find(({ precision }) => precision === 'fp16')).toMatchObject({
      ...{ devices: 2, failed: 0, latencyMs: 10.5 },
    });
    expect(choices).toMatchObject([
      {
        precision: 'fp16',
        reason: expect.stringMatching(/10\.5 ms on 2 lab devices, fp32 60 ms .*int8 18\.5/),
      },
    ]);
    const dry = await server.call('POST', '/rollouts?dryRun=true', { model: 'parts', version: 1 });
    expect(dry.body.devices).toMatchObject([
      { precision: 'fp16', reason: choices[0]?.reason },
      { precision: 'fp16' },
    ]);
    const desired = open.map((device) => device.desired.at(-1)?.slots[0]?.shadow);
    expect(desired).toEqual([null, null]);
    const { body } = await server.call('GET', '/audit?limit=50');
    expect(JSON.stringify(body)).toContain('"lab.run"');
  });

  it('keeps what failed with its reason, tries again what may pass, and believes no nonsense', async () => {
    await measuring(await enroll('one'), (precision, attempt) => {
      if (precision === 'int8') return failed('deployment.self-test-failed');
      if (precision === 'fp16') return took(Number.NaN);
      return attempt === 1 ? failed('download.failed') : took(40);
    });
    const run = await ended((await start()).id);
    const byPrecision = Object.fromEntries(run.orders.map((one) => [one.precision, one]));
    expect(byPrecision.int8).toMatchObject({
      state: 'failed',
      code: 'deployment.self-test-failed',
    });
    expect(byPrecision.fp16).toMatchObject({ state: 'failed', code: 'lab.no-figures' });
    expect(byPrecision.fp32).toMatchObject({ state: 'measured', attempt: 2 });
    const { choices, variants } = await measured();
    expect(choices).toMatchObject([{ precision: 'fp32' }]);
    expect(variants.find(({ precision }) => precision === 'int8')).toMatchObject({ failed: 1 });
    expect(variants.find(({ precision }) => precision === 'fp16')).toMatchObject({ failed: 0 });
  }, 20_000);

  it('waits for no device that is silent, and goes on after a restart', async () => {
    const silent = () => undefined;
    const [away, stuck, here] = [await enroll('away'), await enroll('stuck'), await enroll('here')];
    for (const one of [away, stuck, here]) await measuring(one, silent);
    await open[0]?.close();
    const { id } = await start({ devices: 'all', timeoutMs: 2000 });
    await server.restart();
    for (const device of open.splice(0)) await device.close();
    await measuring(stuck, silent, 2);
    await measuring(here, () => took(5), 2);
    const run = await ended(id);
    const states = (name: string) =>
      run.orders.filter((one) => one.name === name).map(({ state }) => state);
    expect(states('here')).toEqual(['measured', 'measured', 'measured']);
    expect(states('away')).toEqual(['expired', 'expired', 'expired']);
    expect(states('stuck')).toEqual(['expired', 'expired', 'expired']);
    expect((await measured()).measurements.map(({ name }) => name)).toEqual(Array(3).fill('here'));
  }, 30_000);

  it('has a device in one run only, until that has ended or is aborted', async () => {
    const device = await measuring(await enroll('one'), () => undefined);
    const { id } = await start();
    await until('the order', () => device.desired.at(-1)?.slots[0]?.shadow != null);
    const again = await server.call('POST', PATH, { devices: 'all' });
    expect(again.status).toBe(409);
    expect(again.body.detail).toBe(
      `one is taken by lab run ${id}: wait until that has ended, or abort it`,
    );
    const aborted = await server.call('POST', `${PATH}/runs/${id}/abort`);
    expect(aborted.body).toMatchObject({ state: 'aborted' });
    expect((await read(id)).orders.map(({ state }) => state)).toEqual(Array(3).fill('withdrawn'));
    await until('the withdrawal', () => device.desired.at(-1)?.slots[0]?.shadow == null);
    await start();
  });

  it('keeps no model on a device that was told to remove it', async () => {
    const device = await connectDevice(await enroll('going'));
    open.push(device);
    const active = [{ slot: 'parts', model: 'parts', version: 1 }];
    await device.state(1, true, { active });
    await device.sync({ active });
    await until('the first desired state', () => device.desired.length > 0);
    const rollout = await server.call('POST', '/rollouts', { model: 'parts', version: 1 });
    await until('the order', () => device.desired.at(-1)?.slots[0]?.active != null);
    await server.call('POST', `/rollouts/${rollout.body.id}/abort`);
    const mode = () => device.desired.at(-1)?.slots[0]?.mode;
    await until('the removal', () => mode() === 'MODE_ABSENT');
    const { orders } = await ended((await start()).id);
    expect(orders.map(({ state }) => state)).toEqual(['expired', 'expired', 'expired']);
    expect(mode()).toBe('MODE_ABSENT');
  });

  it('refuses in one line what cannot be measured', async () => {
    const detail = async (body: object, path = PATH) => {
      const answer = await server.call('POST', path, body);
      return `${answer.status} ${answer.body.detail}`;
    };
    expect(await detail({ devices: 'all' })).toBe(
      '400 nothing is measured: no accepted device matches all',
    );
    const old = await connectDevice(await enroll('old'));
    open.push(old);
    await old.state(1, true, { protocolMinor: 1 });
    await until('the old agent', async () => (await detail({ devices: 'all' })).includes('1.1'));
    expect(await detail({ devices: 'all' })).toMatch(
      /^400 nothing is measured: no variant of parts@1 can be measured there; old: its agent speaks protocol 1\.1/,
    );
    expect(await detail({ devices: 'x=' })).toMatch(/^400 selector/);
    expect(await detail({ devices: 'all' }, PATH.replace('/1/', '/7/'))).toMatch(/^404 /);
    expect(await detail({ devices: 'all', timeoutMs: 1 })).toMatch(/^400 /);
  });

  it.runIf(kind === 'sqlite')(
    'refuses more devices than a lab has, though most of them could measure nothing',
    async () => {
      await enroll('fit');
      const others = Array.from({ length: 200 }, (_, i) => `other-${i}`);
      await Promise.all(
        others.map((name) => enrollDevice(server, { name, target: 'jetson-orin' })),
      );
      const answer = await server.call('POST', PATH, { devices: 'all' });
      expect(answer).toMatchObject({
        status: 400,
        body: {
          detail: expect.stringContaining('all names 201 devices, and a lab has at most 200'),
        },
      });
    },
    20_000,
  );
});
