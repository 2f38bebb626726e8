import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectDevice,
  enrollDevice,
  type FakeDevice,
  type Identity,
  until,
} from '../testing/fake-device.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { pushBundles } from '../testing/uploads.ts';

let server: TestServer;
let identity: Identity;
let device: FakeDevice;
beforeAll(async () => {
  server = await startTestServer();
  identity = await enrollDevice(server, { name: 'press' });
  device = await connectDevice(identity);
  await device.state(1);
  await device.sync();
});
afterAll(async () => {
  await device.close();
  await server.stop();
});

const config = () => device.desired.at(-1)?.config;
const own = () => `/devices/${identity.device}/downloads`;

describe('what devices may download', () => {
  it('is said for a fleet, and every connected device hears it at once', async () => {
    await until('the first desired state', () => device.desired.length > 0);
    expect(config()).toMatchObject({ bandwidth: 0, metered: 'METERED_UNSPECIFIED' });
    const policy = { bandwidth: 250_000, metered: 'delta-only' };
    expect(await server.call('PUT', '/downloads', policy)).toMatchObject({ status: 200 });
    await until('the cap', () => config()?.bandwidth === 250_000);
    expect(config()?.metered).toBe('METERED_DELTA_ONLY');
    expect((await server.call('GET', '/downloads')).body).toEqual(policy);
  });

  it('is said for one device, and for the rest is as the fleet says', async () => {
    await server.call('PUT', '/downloads', { bandwidth: 2000, metered: 'wait' });
    await server.call('PUT', own(), { metered: 'allow' });
    await until('its own word', () => config()?.metered === 'METERED_ALLOW');
    expect(config()?.bandwidth).toBe(2000);
    await server.call('PUT', own(), {});
    await until('the word of the fleet', () => config()?.metered === 'METERED_WAIT');
  });

  it.each([
    { bandwidth: -1 },
    { bandwidth: 1 },
    { bandwidth: 1999 },
    { bandwidth: 1.5 },
    { metered: 'never' },
    { speed: 1 },
  ])('refuses %o', async (policy) => {
    expect(await server.call('PUT', '/downloads', policy)).toMatchObject({ status: 400 });
  });

  it('is in the audit log, and asked of known devices and fleets only', async () => {
    const { body } = await server.call('GET', '/audit');
    expect(JSON.stringify(body)).toContain('downloads.edit');
    const unknown = `/devices/${'0'.repeat(26)}/downloads`;
    expect(await server.call('PUT', unknown, {})).toMatchObject({ status: 404 });
  });

  it('is said for a rollout, whose devices tell what their downloads took', async () => {
    await pushBundles(server, 1);
    await until('the version', async () => {
      const { body } = await server.call('GET', '/models/parts/versions/1');
      return String(body.status) === 'ready';
    });
    const download = { bandwidth: 5000, metered: 'wait' };
    const request = { model: 'parts', version: 1, waves: ['100%'], download };
    const rollout = await server.call('POST', '/rollouts', request);
    expect(rollout.body.settings).toMatchObject({ download });
    const active = await until(
      'the deployment',
      () => device.desired.at(-1)?.slots[0]?.active ?? undefined,
    );
    expect(active).toMatchObject({ bandwidth: 5000, metered: 'METERED_WAIT' });
    const transfer = { bytes: 900, deltaBytes: 400, mqttBytes: 0, fallbacks: ['no delta: none'] };
    const { id: deployment, attempt } = active;
    const outcome = { deployment, attempt, result: 'RESULT_IN_PROGRESS', step: 'verify', transfer };
    await device.report({ outbox: '0'.repeat(16), seq: 1, outcome: outcome as never });
    const shown = await until('the report', async () => {
      const { body } = await server.call('GET', `/rollouts/${String(rollout.body.id)}`);
      const [member] = body.devices as unknown as { transfer?: object }[];
      return member?.transfer;
    });
    expect(shown).toEqual(transfer);
    const { body } = await server.call('GET', `/devices/${identity.device}/deployments`);
    expect((body.items as unknown as object[])[0]).toMatchObject({ transfer });
  });
});
