import { afterAll, beforeAll, expect, test } from 'vitest';
import { enrollDevice, type Identity, signLogin } from '../../testing/fake-device.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

let server: TestServer;
let identity: Identity;

beforeAll(async () => {
  server = await startTestServer();
  identity = await enrollDevice(server, { name: 'line 1' });
});
afterAll(async () => {
  await server.stop();
});

test('the overview counts the fleet and says what the token may do', async () => {
  const { status, body } = await server.call('GET', '/overview');
  expect(status).toBe(200);
  expect(body).toMatchObject({
    ...{ fleet: 'default', role: 'admin', halted: false, rolloutsRunning: 0, alertsOpen: 0 },
    devices: { total: 1, online: 0, pending: 0 },
  });
});

test('a device that runs nothing yet has a row without slots', async () => {
  const { body } = await server.call('GET', '/overview/devices');
  expect(body.items).toMatchObject([{ device: identity.device, name: 'line 1', slots: [] }]);
  const some = await server.call('GET', `/overview/devices?ids=${identity.device}`);
  expect(some.body.items).toHaveLength(1);
  const none = await server.call('GET', '/overview/devices?ids=');
  expect(none.body.items).toHaveLength(0);
});

test('pages follow one another', async () => {
  await enrollDevice(server, { name: 'line 2' });
  const first = await server.call('GET', '/overview/devices?limit=1');
  expect(first.body.items).toHaveLength(1);
  const next = await server.call('GET', `/overview/devices?limit=1&cursor=${first.body.next}`);
  expect(next.body.items).toMatchObject([{ name: 'line 2' }]);
  expect(next.body.next).toBeUndefined();
});

test('what is not there yet is empty, and what is not known is said so', async () => {
  const ids = identity.device;
  expect((await server.call('GET', `/overview/sparklines?ids=${ids}`)).body).toEqual({ lines: {} });
  expect((await server.call('GET', '/overview/predictions')).body).toEqual({ items: [] });
  const unknown = await server.call('GET', `/overview/rollouts/${ids}/comparison`);
  expect(unknown.status).toBe(404);
});

test('ids that are none are refused, and so are devices and strangers', async () => {
  expect((await server.call('GET', "/overview/sparklines?ids=x'--")).status).toBe(400);
  const device = { authorization: `Bearer ${await signLogin(identity)}` };
  expect((await server.call('GET', '/overview', undefined, device)).status).toBe(403);
  const nobody = await fetch(`${server.url}/api/1/fleets/default/overview`);
  expect(nobody.status).toBe(401);
});
