import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enrollDevice, signLogin, until } from '../testing/fake-device.ts';
import { callApi, startTestServer, type TestServer } from '../testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const fleetUrl = (path: string) => `${server.url}/api/1/fleets/default${path}`;
const bearer = (token: unknown) => ({ authorization: `Bearer ${String(token)}` });

describe('an error', () => {
  it('is a problem document with our code and one line', async () => {
    const answer = await server.call('GET', '/devices/01m0000000000000000000000a');
    expect(answer.status).toBe(404);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(answer.body).toMatchObject({
      type: 'urn:flotilla:error:server.not-found',
      status: 404,
      code: 'server.not-found',
      retryable: false,
      instance: '/api/1/fleets/default/devices/01m0000000000000000000000a',
    });
  });

  it.each([
    [
      'a field of the wrong type',
      '/claim-tokens',
      { uses: 'many' },
      'uses is a whole number from 1 to',
    ],
    [
      'a path that is no id',
      '/devices/nobody',
      undefined,
      'path: device is an id of 26 characters',
    ],
  ])('names the place of %s', async (_, path, body, where) => {
    const answer = await server.call(body === undefined ? 'GET' : 'POST', path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    expect(String(answer.body.detail)).toContain(where);
  });

  it('answers what is no JSON, too long, of no known type, or nowhere', async () => {
    const post = (body: string, type = 'application/json') =>
      fetch(fleetUrl('/claim-tokens'), {
        method: 'POST',
        headers: { ...bearer(server.adminToken), 'content-type': type },
        body,
      });
    expect((await post('{"uses":')).status).toBe(400);
    expect((await post(JSON.stringify({ label: 'x'.repeat(2 << 20) }))).status).toBe(413);
    expect((await post('<a/>', 'text/xml')).status).toBe(415);
    expect((await callApi(`${server.url}/nowhere`, 'GET')).status).toBe(404);
  });
});

describe('tokens', () => {
  const make = async (role: string) =>
    (await server.call('POST', '/tokens', { label: role, role })).body.token;

  it('let people do what their role allows and no more', async () => {
    const [viewer, operator] = [await make('viewer'), await make('operator')];
    const get = (token: unknown, path: string) =>
      callApi(fleetUrl(path), 'GET', undefined, bearer(token));
    expect((await get(viewer, '/devices')).status).toBe(200);
    expect(await get(viewer, '/claim-tokens')).toMatchObject({
      status: 403,
      body: { code: 'auth.forbidden' },
    });
    expect((await get(operator, '/claim-tokens')).status).toBe(200);
    expect((await get(operator, '/tokens')).status).toBe(403);
    expect((await get(operator, '/audit')).status).toBe(403);
  });

  it('of one fleet are worth nothing in another', async () => {
    await callApi(
      `${server.url}/api/1/fleets`,
      'POST',
      { fleet: 'other' },
      bearer(server.adminToken),
    );
    const admin = await make('admin');
    const other = `${server.url}/api/1/fleets/other`;
    expect((await callApi(`${other}/devices`, 'GET', undefined, bearer(admin))).status).toBe(403);
    expect(
      (await callApi(`${server.url}/api/1/fleets`, 'POST', { fleet: 'x' }, bearer(admin))).status,
    ).toBe(403);
    const device = await signLogin(await enrollDevice(server));
    expect((await callApi(`${other}/tuf/root.json`, 'GET', undefined, bearer(device))).status).toBe(
      403,
    );
    expect((await callApi(fleetUrl('/devices'), 'GET', undefined, bearer(device))).status).toBe(
      403,
    );
  });

  it('are shown once, listed without their secret, and end when they are deleted', async () => {
    const made = await server.call('POST', '/tokens', { label: 'short', role: 'viewer' });
    const listed = JSON.stringify((await server.call('GET', '/tokens')).body);
    expect(listed).toContain(String(made.body.id));
    expect(listed).not.toContain(String(made.body.token));
    expect((await server.call('DELETE', `/tokens/${String(made.body.id)}`)).status).toBe(204);
    const after = await callApi(fleetUrl('/devices'), 'GET', undefined, bearer(made.body.token));
    expect(after).toMatchObject({ status: 401, body: { code: 'auth.required' } });
  });

  it('of all fleets can be made anew and deleted, but for the last of an admin', async () => {
    const own = await startTestServer();
    const call = (method: string, path: string, token: unknown, body?: unknown) =>
      callApi(`${own.url}/api/1/tokens${path}`, method, body, bearer(token));
    const { body } = await call('GET', '', own.adminToken);
    const [first] = body.items as unknown as { id: string }[];
    const refused = await call('DELETE', `/${first?.id}`, own.adminToken);
    expect(refused).toMatchObject({ status: 409, body: { code: 'request.conflict' } });
    const order = { label: 'second', role: 'admin' };
    const { body: second } = await call('POST', '', own.adminToken, order);
    expect((await call('DELETE', `/${first?.id}`, second.token)).status).toBe(204);
    expect((await call('GET', '', own.adminToken)).status).toBe(401);
    const audit = await callApi(`${own.url}/api/1/audit`, 'GET', undefined, bearer(second.token));
    const entries = audit.body.items as unknown as { action: string }[];
    expect(entries.at(-1)?.action).toBe('user-token.delete');
    const { body: scoped } = await callApi(
      `${own.url}/api/1/fleets/default/tokens`,
      'POST',
      order,
      bearer(second.token),
    );
    expect((await call('GET', '', scoped.token)).status).toBe(403);
    await own.stop();
  });

  it('do nothing in a fleet that nobody made', async () => {
    const url = `${server.url}/api/1/fleets/nowhere/claim-tokens`;
    const answer = await callApi(url, 'POST', {}, bearer(server.adminToken));
    expect(answer).toMatchObject({ status: 404, body: { code: 'server.not-found' } });
  });

  it('that are missing are asked for', async () => {
    const answer = await callApi(fleetUrl('/devices'), 'GET');
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });
});

describe('an Idempotency-Key', () => {
  const post = (key: string, fleet: string) =>
    callApi(
      `${server.url}/api/1/fleets`,
      'POST',
      { fleet },
      { ...bearer(server.adminToken), 'idempotency-key': key },
    );

  it('gets the first answer again, and is refused for another request', async () => {
    const first = await post('key-1', 'twice');
    const second = await post('key-1', 'twice');
    expect(second.body).toEqual(first.body);
    expect(second.status).toBe(201);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    expect(await post('key-1', 'thrice')).toMatchObject({
      status: 409,
      body: { code: 'request.conflict' },
    });
  });
});

describe('devices', () => {
  it('come in pages that together hold each once', async () => {
    const ids = await Promise.all(
      Array.from({ length: 5 }, async () => (await enrollDevice(server)).device),
    );
    const seen: string[] = [];
    for (let path = '/devices?limit=2'; path !== ''; ) {
      const { body } = await server.call('GET', path);
      const items = body.items as unknown as { device: string }[];
      expect(items.length).toBeLessThanOrEqual(2);
      seen.push(...items.map(({ device }) => device));
      path = body.next === undefined ? '' : `/devices?limit=2&cursor=${String(body.next)}`;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(ids));
    expect((await server.call('GET', '/devices?cursor=***')).status).toBe(400);
    const word = Buffer.from('one').toString('base64url');
    expect((await server.call('GET', `/audit?cursor=${word}`)).status).toBe(400);
  });

  it('are edited only as they were last seen', async () => {
    const { device } = await enrollDevice(server);
    const path = `/devices/${device}`;
    const etag = (await server.call('GET', path)).headers.get('etag') ?? '';
    const edit = (name: string) => server.call('PATCH', path, { name }, { 'if-match': etag });
    expect((await edit('press 4')).body.name).toBe('press 4');
    expect(await edit('press 5')).toMatchObject({
      status: 412,
      body: { code: 'request.precondition' },
    });
    expect((await server.call('PATCH', path, { tags: { site: 'lyon' } })).status).toBe(200);
    expect((await server.call('PATCH', path, { publicKey: {} })).status).toBe(400);
  });
});

describe('the audit log', () => {
  it('names who changed what, in a chain', async () => {
    const { device } = await enrollDevice(server);
    await server.call('PATCH', `/devices/${device}`, { name: 'audited' });
    const { body } = await server.call('GET', '/audit?limit=500');
    const items = body.items as unknown as { action: string; subject: string; actor: string }[];
    const about = items.filter(({ subject }) => subject === device);
    expect(about.map(({ action }) => action)).toEqual(['device.enroll', 'device.edit']);
    expect(about[1]?.actor).toMatch(/^token:/);
    const check = await server.call('GET', '/audit/check');
    expect(check.body).toMatchObject({ entries: expect.any(Number) });
    expect(check.body.brokenAt).toBeUndefined();
  });
});

describe('a halt', () => {
  it('is signed, counted and taken back', async () => {
    const halt = (halted: boolean) => server.call('POST', '/halt', { halted });
    expect((await halt(true)).body).toMatchObject({ halted: true });
    expect((await halt(false)).body).toMatchObject({ halted: false });
  });
});

describe('events', () => {
  async function open(last?: string) {
    const abort = new AbortController();
    const response = await fetch(fleetUrl('/events'), {
      headers: {
        ...bearer(server.adminToken),
        ...(last === undefined ? {} : { 'last-event-id': last }),
      },
      signal: abort.signal,
    });
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body!) text += Buffer.from(chunk).toString();
    })().catch(() => undefined);
    const close = async () => {
      abort.abort();
      await reading;
    };
    return { close, text: () => text };
  }

  it('tell of changes, and of those missed while the connection was down', async () => {
    const first = await open();
    const { device } = await enrollDevice(server);
    await until('the event', () => first.text().includes(device));
    const id = /id: (\S+)\nevent: device\ndata: [^\n]*/.exec(first.text())?.[1];
    await first.close();
    const { device: missed } = await enrollDevice(server);
    const second = await open(id);
    await until('the missed event', () => second.text().includes(missed));
    await second.close();
  });

  it('say when too much was missed', async () => {
    const events = await open('another-server-17');
    await until('the reset', () => events.text().includes('event: reset'));
    await events.close();
  });
});

/** Patterns that no words stand for, of a value or of the parameter that it is. */
function undescribed(schema: unknown, above?: unknown): unknown[] {
  if (typeof schema !== 'object' || schema === null) return [];
  const { pattern, description = above } = schema as { pattern?: unknown; description?: unknown };
  const own = typeof pattern === 'string' && description === undefined ? [pattern] : [];
  const within = Object.entries(schema).flatMap(([key, value]) =>
    undescribed(value, key === 'schema' ? description : undefined),
  );
  return [...own, ...within];
}

describe('the server', () => {
  it('describes its API', async () => {
    const { body } = await callApi(`${server.url}/api/1/openapi.json`, 'GET');
    expect(body.openapi).toBe('3.1.0');
    expect(Object.keys(body.paths ?? {})).toContain('/api/1/enroll');
    expect(undescribed(body)).toEqual([]);
  });

  it('counts for Prometheus, for those who may look', async () => {
    const url = `${server.url}/metrics`;
    const { body } = await callApi(url, 'GET', undefined, bearer(server.adminToken));
    expect(String(body)).toContain('flotilla_devices{fleet="default",online="no"}');
    expect((await callApi(url, 'GET')).status).toBe(401);
  });

  it('tells anybody the time and that it is well', async () => {
    const { body } = await callApi(`${server.url}/api/1/time`, 'GET');
    expect(Math.abs(Number(body.wallMs) - Date.now())).toBeLessThan(5000);
    expect((await callApi(`${server.url}/healthz`, 'GET')).status).toBe(200);
  });
});

describe('guessing', () => {
  it('of tokens is slowed down by address', async () => {
    const own = await startTestServer();
    const url = `${own.url}/api/1/fleets/default/devices`;
    const statuses: number[] = [];
    for (let i = 0; i < 32; i++) {
      statuses.push((await callApi(url, 'GET', undefined, bearer(`flt_guess${i}`))).status);
    }
    expect(statuses.slice(0, 30).every((status) => status === 401)).toBe(true);
    expect(statuses.at(-1)).toBe(429);
    await own.stop();
  });

  it('does not begin with log-ins of devices, whose clocks may be wrong', async () => {
    const identity = await enrollDevice(server);
    const expired = await signLogin(identity, { iat: 1, exp: 2 });
    const url = fleetUrl('/tuf/root.json');
    for (let i = 0; i < 32; i++) await callApi(url, 'GET', undefined, bearer(expired));
    const good = await signLogin(identity);
    expect((await callApi(url, 'GET', undefined, bearer(good))).status).toBe(200);
  });
});
