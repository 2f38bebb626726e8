import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type OpenDatabase, openDatabase } from '../../db/open.ts';
import { GATE_NAMES } from '../../rollouts/gates/types.ts';
import { deviceId, FLEET, seedDevice, seedVersion } from '../../rollouts/testing.ts';
import { until } from '../../testing/fake-device.ts';
import { callApi, startTestServer, type TestServer } from '../../testing/test-server.ts';

describe('the API of rollouts, telemetry and drift', () => {
  let server: TestServer;
  let database: OpenDatabase;

  beforeAll(async () => {
    server = await startTestServer({ fleet: FLEET });
    database = await openDatabase({ kind: 'sqlite', file: join(server.data, 'fleet.db') });
    for (const i of [0, 1, 2]) await seedDevice(database.db, i, 'x86-64');
    await seedDevice(database.db, 3, 'jetson-nano');
    await seedVersion(database.db, 1, ['x86-64']);
  });

  afterAll(async () => {
    await database.close();
    await server.stop();
  });

  const call = (method: string, path: string, body?: unknown, token = server.adminToken) =>
    callApi(`${server.url}/api/1/fleets/${FLEET}${path}`, method, body, {
      authorization: `Bearer ${token}`,
    });

  const request = { model: 'parts', version: 1, devices: 'all', waves: ['1', '100%'] };

  it('says what a rollout would do without doing it', async () => {
    const { status, body } = await call('POST', '/rollouts?dryRun=true', request);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: '', dryRun: true, sizes: [1, 3] });
    const devices = body.devices as unknown as { device: string; state: string; wave: number }[];
    expect(devices.map(({ state }) => state)).toEqual([
      'pending',
      'pending',
      'pending',
      'unsuitable',
    ]);
    expect(devices.map(({ wave }) => wave)).toEqual([0, 1, 1, -1]);
    expect((await call('GET', '/rollouts')).body).toEqual({ items: [] });
  });

  it('makes, shows, pauses, resumes and aborts a rollout', async () => {
    const made = await call('POST', '/rollouts', request);
    expect(made.status).toBe(201);
    const id = String(made.body.id);
    const opened = await until('the first wave', async () => {
      const { body } = await call('GET', `/rollouts/${id}`);
      return (body.counts as { sent?: number }).sent === 1 && body;
    });
    expect(opened).toMatchObject({ state: 'running', wave: 0, haltedBy: '', selector: 'all' });
    expect(opened.verdicts).toHaveLength(GATE_NAMES.length);
    expect(opened.events).toMatchObject([{ kind: 'created' }, { kind: 'wave' }]);
    expect((await call('GET', `/rollouts/${id}/devices?limit=2`)).body.items).toHaveLength(2);
    expect((await call('GET', `/rollouts/${id}/devices?state=sent`)).body.items).toHaveLength(1);
    const beyond = await call('GET', `/rollouts/${id}/devices?wave=6`);
    expect(String(beyond.body.detail)).toBe('there is no wave 7: the rollout has 2 waves');
    const { body: progress } = await call('GET', `/rollouts/${id}/progress`);
    expect(progress).toMatchObject({
      ...{ id, state: 'running', asked: 1, inFlight: 1, apart: { unsuitable: 1, unchanged: 0 } },
      waves: [
        { state: 'open', size: 1, counts: { sent: 1 } },
        { state: 'waiting', size: 2, reaches: 3, counts: { pending: 2 } },
      ],
      waitsFor: { what: 'devices' },
    });

    const again = await call('POST', '/rollouts', request);
    expect(again.status).toBe(409);
    expect(String(again.body.detail)).toContain(`rollout ${id} still holds slot parts`);

    const paused = (await call('POST', `/rollouts/${id}/pause`)).body;
    expect(paused).toMatchObject({
      state: 'paused',
      sentence: expect.stringMatching(/^paused by first start \(token \w{8}…\)$/),
    });
    const events = paused.events as unknown as { sentence: string }[];
    expect(events.at(-1)?.sentence).toBe(paused.sentence);
    expect((await call('POST', `/rollouts/${id}/pause`)).body).toMatchObject({
      ...{ state: 'paused', answer: 'parts@1 is paused already' },
    });
    const unasked = await call('POST', `/rollouts/${id}/approve`);
    expect(unasked.body.detail).toContain('asks for no approval');
    expect((await call('POST', `/rollouts/${id}/approve`, { wave: 0 })).status).toBe(400);
    expect((await call('POST', `/rollouts/${id}/resume`)).body.state).toBe('running');
    expect((await call('POST', `/rollouts/${id}/abort`)).body).toMatchObject({
      state: 'halted',
      haltedBy: 'operator',
    });
    await until('the end', async () => {
      const { body } = await call('GET', `/rollouts/${id}`);
      return String(body.state) === 'aborted';
    });
    const audit = await call('GET', '/audit');
    const actions = (audit.body.items as unknown as { action: string }[]).map((e) => e.action);
    expect(actions.filter((action) => action.startsWith('rollout.'))).toEqual([
      'rollout.create',
      'rollout.pause',
      'rollout.resume',
      'rollout.abort',
    ]);
  });

  it('refuses what is wrong in one line', async () => {
    const wrong = await call('POST', '/rollouts', { ...request, devices: 'site =' });
    expect(wrong.status).toBe(400);
    expect(String(wrong.body.detail)).toContain('at character 7');
    const waves = await call('POST', '/rollouts', { ...request, waves: ['50%'] });
    expect(String(waves.body.detail)).toContain('end with 100%');
    const many = await call('POST', '/rollouts', { ...request, waves: Array(21).fill('1') });
    expect(String(many.body.detail)).toContain('there are 21 waves, and 20 is the most');
    expect(waves.body.field).toBe('waves');
    const gates = await call('POST', '/rollouts', { ...request, gates: { alpha: 2 } });
    expect(gates.body).toMatchObject({ code: 'request.invalid', field: 'gates.alpha' });
    const slow = await call('POST', '/rollouts', { ...request, download: { bandwidth: 1999 } });
    expect(String(slow.body.detail)).toContain('bandwidth is 0 for no cap, or at least 2000');
    const other = await call('POST', '/rollouts', { ...request, version: 7 });
    expect(other.status).toBe(404);
    expect(String(other.body.detail)).toMatch(/no version parts@7 here: there (is|are) parts@/);
    expect((await call('POST', '/rollouts', { ...request, extra: 1 })).status).toBe(400);
    expect((await call('POST', '/rollouts', request, 'flt_nobody')).status).toBe(401);
  });

  it('answers with telemetry and alerts, empty where there are none', async () => {
    const one = await call('GET', `/devices/${deviceId(0)}/telemetry`);
    expect(one.body).toEqual({ latest: [], series: [], versions: [] });
    expect((await call('GET', '/telemetry?grain=hour')).status).toBe(200);
    expect((await call('GET', '/telemetry?fromMs=0')).status).toBe(400);
    expect((await call('GET', '/drift?state=open')).body).toEqual({ items: [] });
    expect((await call('GET', `/drift/${deviceId(0)}`)).status).toBe(404);
  });
});
