import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenDatabase, openDatabase } from '../../db/open.ts';
import { deviceId, FLEET, seedDevice } from '../../rollouts/testing.ts';
import { callApi, startTestServer, type TestServer } from '../../testing/test-server.ts';

describe('the API of groups and selectors', () => {
  let server: TestServer;
  let database: OpenDatabase;

  beforeAll(async () => {
    server = await startTestServer({ fleet: FLEET });
    database = await openDatabase({ kind: 'sqlite', file: join(server.data, 'fleet.db') });
    for (const i of [0, 1, 2, 3, 4]) await seedDevice(database.db, i, 'x86-64');
  });
  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  const call = (method: string, path: string, body?: unknown, token = server.adminToken) =>
    callApi(`${server.url}/api/1/fleets/${FLEET}${path}`, method, body, {
      authorization: `Bearer ${token}`,
    });
  const query = (selector: string) => `selector=${encodeURIComponent(selector)}`;
  const ids = (body: unknown) =>
    (body as { items: { device: string }[] }).items.map(({ device }) => device);

  it('lists the devices that a selector matches, page by page', async () => {
    const first = await call('GET', `/devices?limit=2&${query('site = lyon')}`);
    expect(ids(first.body)).toEqual([0, 2].map(deviceId));
    const next = await call('GET', `/devices?cursor=${first.body.next}&${query('site = lyon')}`);
    expect(ids(next.body)).toEqual([deviceId(4)]);
    expect(next.body.next).toBeUndefined();
  });

  it('says what a selector comes to, and why it matches nothing', async () => {
    const { body } = await call('GET', `/devices/selection?${query('site=metz')}`);
    expect(body).toEqual({ devices: [1, 3].map(deviceId), total: 5, note: '' });
    const none = await call('GET', `/devices/selection?${query('site=metz and cores > 2')}`);
    expect(none.body).toMatchObject({ devices: [], note: expect.stringContaining('cores > 2') });
    expect((await call('GET', '/devices/selection')).status).toBe(400);
  });

  it('points at what is wrong in a selector', async () => {
    const { status, body } = await call('GET', `/devices?${query('site=lyon and sote=x')}`);
    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'selector.invalid',
      selector: 'site=lyon and sote=x',
      at: 15,
      detail: expect.stringContaining('did you mean "site"?'),
    });
  });

  it('makes, shows, changes and deletes groups, and writes it down', async () => {
    const made = await call('POST', '/groups', { name: 'lab', selector: 'site=lyon' });
    expect(made).toMatchObject({ status: 201, body: { kind: 'static', devices: 3, selector: '' } });
    const dynamic = { name: 'and', kind: 'dynamic', selector: 'not group=lab' };
    expect((await call('POST', '/groups', dynamic)).body).toMatchObject({ devices: 2 });
    const removed = await call('POST', '/groups/lab/remove', { devices: [deviceId(0)] });
    expect(removed.body).toEqual({ changed: 1, devices: 2 });
    expect((await call('GET', '/groups/and')).body).toMatchObject({ devices: 3 });
    const changed = await call('PATCH', '/groups/and', { selector: 'group!=lab and site=metz' });
    expect(changed.body).toMatchObject({ selector: 'group!=lab and site=metz', devices: 2 });
    expect((await call('GET', '/groups')).body.items).toMatchObject([
      { name: 'and', kind: 'dynamic' },
      { name: 'lab', kind: 'static', devices: 2 },
    ]);
    const inGroup = await call('GET', `/devices?${query('group = lab')}`);
    expect(ids(inGroup.body)).toEqual([2, 4].map(deviceId));
    expect((await call('DELETE', '/groups/lab')).body).toMatchObject({ code: 'group.in-use' });
    expect((await call('DELETE', '/groups/and')).status).toBe(204);
    expect((await call('DELETE', '/groups/lab')).status).toBe(204);
    expect((await call('GET', '/groups/lab')).status).toBe(404);
    const audit = await call('GET', '/audit');
    const actions = (audit.body.items as unknown as { action: string }[]).map((e) => e.action);
    expect(actions.filter((action) => action.startsWith('group.'))).toEqual([
      'group.create',
      'group.create',
      'group.remove',
      'group.change',
      'group.delete',
      'group.delete',
    ]);
  });

  it('lets viewers read and operators change', async () => {
    const tokenOf = async (role: string) =>
      String((await call('POST', '/tokens', { label: role, role })).body.token);
    const [viewer, operator] = [await tokenOf('viewer'), await tokenOf('operator')];
    const body = { name: 'seen', selector: 'all' };
    expect((await call('POST', '/groups', body, viewer)).status).toBe(403);
    expect((await call('POST', '/groups', body, operator)).status).toBe(201);
    expect((await call('GET', '/groups/seen', undefined, viewer)).status).toBe(200);
    expect((await call('DELETE', '/groups/seen', undefined, viewer)).status).toBe(403);
    expect((await call('POST', '/groups', { ...body, name: 'No' })).status).toBe(400);
    expect((await call('POST', '/groups', { ...body, kind: 'odd' })).status).toBe(400);
  });
});
