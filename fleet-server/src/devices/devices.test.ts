import { deviceTopics, trustRoot, verifyDirector, webCryptoVerifier } from '@flotilla/protocol';
import { exportJWK, generateKeyPair } from 'jose';
import type mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectDevice,
  enrollDevice,
  type FakeDevice,
  type Identity,
  publicFields,
  signLogin,
  until,
} from '../testing/fake-device.ts';
import { callApi, startTestServer, type TestServer } from '../testing/test-server.ts';

const REFUSED = /bad username|not authorized/i;

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

const enrollUrl = () => `${server.url}/api/1/enroll`;
/** Resolves when the broker has cut it off. */
const closed = ({ client }: FakeDevice) =>
  new Promise<void>((resolve) => client.once('close', () => resolve()));
const newKey = async () => {
  const { publicKey } = await generateKeyPair('Ed25519', { extractable: true });
  return publicFields(await exportJWK(publicKey));
};

describe('enrolment', () => {
  it('takes as many devices as a claim token has uses, and says so afterwards', async () => {
    const { body } = await server.call('POST', '/claim-tokens', {
      uses: 2,
      tags: { site: 'lyon' },
    });
    const attempt = async () =>
      callApi(enrollUrl(), 'POST', { token: String(body.token), publicKey: await newKey() });
    const answers = await Promise.all([attempt(), attempt(), attempt()]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 201, 403]);
    const refused = answers.find(({ status }) => status === 403);
    expect(refused?.body.code).toBe('enroll.token-spent');
    const taken = answers.find(({ status }) => status === 201);
    const known = await server.call('GET', `/devices/${String(taken?.body.device)}`);
    expect(known.body.tags).toEqual({ site: 'lyon' });
  });

  it('gives the same answer to a device that asks again with its key', async () => {
    const { body } = await server.call('POST', '/claim-tokens', { uses: 1 });
    const request = { token: String(body.token), publicKey: await newKey() };
    const first = await callApi(enrollUrl(), 'POST', request);
    const second = await callApi(enrollUrl(), 'POST', request);
    expect(second.status).toBe(201);
    expect(second.body.device).toBe(first.body.device);
  });

  it('refuses a token that nobody made, and a key that is none', async () => {
    const unknown = await callApi(enrollUrl(), 'POST', {
      token: 'flc_x',
      publicKey: await newKey(),
    });
    expect(unknown.body.code).toBe('enroll.token-unknown');
    const { body } = await server.call('POST', '/claim-tokens', {});
    const key = { kty: 'OKP', crv: 'Ed25519', x: 'c2hvcnQ' };
    const short = await callApi(enrollUrl(), 'POST', { token: String(body.token), publicKey: key });
    expect(short).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  });

  it('makes a device wait where the token demands acceptance', async () => {
    const { body } = await server.call('POST', '/claim-tokens', { autoAccept: false });
    const { publicKey, privateKey } = await generateKeyPair('Ed25519', { extractable: true });
    const request = {
      token: String(body.token),
      publicKey: publicFields(await exportJWK(publicKey)),
    };
    const answer = await callApi(enrollUrl(), 'POST', request);
    expect(answer.body.status).toBe('pending');
    const identity = { ...(answer.body as unknown as Identity), key: privateKey };
    await expect(connectDevice(identity)).rejects.toThrow(REFUSED);
    await server.call('PATCH', `/devices/${identity.device}`, { status: 'accepted' });
    const device = await connectDevice(identity);
    await device.close();
  });
});

describe('an MQTT log-in', () => {
  let identity: Identity;
  let other: Identity;
  beforeAll(async () => {
    identity = await enrollDevice(server);
    other = await enrollDevice(server);
  });
  const refusedWith = async (password: string, options: mqtt.IClientOptions = {}) => {
    const attempt = connectDevice({ ...identity, mqtt: { ...identity.mqtt, password } }, options);
    await expect(attempt).rejects.toThrow(REFUSED);
  };
  const seconds = Math.floor(Date.now() / 1000);

  it.each([
    ['an expired one', { iat: seconds - 900, exp: seconds - 600 }],
    ['one that is valid for too long', { exp: seconds + 86_400 }],
    ['one of the future', { iat: seconds + 600, exp: seconds + 700 }],
    ['one for another fleet', { aud: 'flotilla/other' }],
    ['one without an end', { exp: undefined }],
  ])('is refused: %s', async (_, claims) => {
    await refusedWith(await signLogin(identity, claims));
  });

  it('is refused when another device signed it', async () => {
    await refusedWith(await signLogin({ ...identity, key: other.key }));
    await refusedWith(await signLogin(other));
    await refusedWith('not a token');
  });

  it('is refused under another client id, and with a will in another name', async () => {
    const login = await signLogin(identity);
    await refusedWith(login, { clientId: other.device });
    const topic = deviceTopics(identity.fleet, other.device).up.state;
    const will = { topic, payload: Buffer.from(''), qos: 1 as const, retain: true };
    await refusedWith(login, { will });
  });

  it('also works over WebSocket', async () => {
    const url = `${server.url.replace('http', 'ws')}/mqtt`;
    const device = await connectDevice(identity, { url });
    await device.sync();
    await until('desired state', () => device.desired[0]);
    await device.close();
  });
});

describe('topics', () => {
  it('of other devices can neither be read nor written', async () => {
    const [identity, victim] = [await enrollDevice(server), await enrollDevice(server)];
    const device = await connectDevice(identity);
    const topics = deviceTopics(victim.fleet, victim.device);
    for (const filter of [
      '#',
      'flotilla/1/default/d/+/down/#',
      ...topics.subscriptions.slice(0, 1),
    ]) {
      await expect(device.client.subscribeAsync(filter, { qos: 1 })).rejects.toThrow();
    }
    for (const topic of [
      topics.up.state,
      deviceTopics(identity.fleet, identity.device).down.desired,
    ]) {
      const intruder = await connectDevice(identity);
      const gone = closed(intruder);
      intruder.client.publish(topic, 'x', { qos: 1 });
      await gone;
    }
    await device.close();
  });

  it('take no packet that is larger than any message', async () => {
    const device = await connectDevice(await enrollDevice(server));
    const gone = closed(device);
    device.client.publish('x', Buffer.alloc(3 << 20), { qos: 0 });
    await gone;
  });
});

describe('presence', () => {
  it('follows births and wills, but not wills of an earlier connection', async () => {
    const identity = await enrollDevice(server);
    const online = async () =>
      (await server.call('GET', `/devices/${identity.device}`)).body.online as unknown as boolean;
    const device = await connectDevice(identity);
    await device.state(7);
    await until('the birth', online);
    await device.state(6, false);
    await device.state(7);
    await device.sync();
    await until('desired', () => device.desired.length > 0);
    expect(await online()).toBe(true);
    await device.state(7, false);
    await until('the death', async () => !(await online()));
    await device.close();
  });
});

describe('sync', () => {
  it('is answered by the whole desired state with a director document for this device', async () => {
    const identity = await enrollDevice(server);
    const device = await connectDevice(identity);
    await device.sync({ generation: 0, revision: 0 });
    const desired = await until('desired state', () => device.desired[0]);
    expect(desired).toMatchObject({ generation: 1, revision: 1, slots: [], keep: [] });
    const verdict = await verifyDirector(
      trustRoot(JSON.stringify(identity.root)),
      desired.director,
      identity,
      new Date(),
      webCryptoVerifier,
    );
    expect(verdict).toMatchObject({ ok: true, generation: 1, revision: 1 });
    await device.close();
  });

  it('wins over a device that knows a newer state, as after an old back-up', async () => {
    const device = await connectDevice(await enrollDevice(server));
    await device.sync({ generation: 1, revision: 40 });
    const desired = await until('desired state', () => device.desired[0]);
    expect(desired.revision).toBe(41);
    await device.close();
  });

  it('is answered again after a restart of the server, without a new log-in of people', async () => {
    const identity = await enrollDevice(server);
    await server.restart();
    const device = await connectDevice(identity);
    await device.sync();
    await until('desired state', () => device.desired[0]);
    await device.close();
  });
});

describe('outbox records', () => {
  const outcome = {
    deployment: '01m0000000000000000000000a',
    attempt: 1,
    result: 'RESULT_COMMITTED',
  };

  it('are rejected by range with a code where nothing is known of what they say', async () => {
    const device = await connectDevice(await enrollDevice(server));
    const outbox = '00112233445566aa';
    for (const seq of [1, 2, 4]) {
      await device.report({ outbox, seq, outcome: outcome as { result: 'RESULT_COMMITTED' } });
    }
    const rejected = await until('all rejections', () => {
      const all = device.acks.flatMap((ack) => ack.rejected);
      return all.reduce((n, { range }) => n + 1 + range!.last - range!.first, 0) === 3 && all;
    });
    expect(new Set(rejected.map(({ code }) => code))).toEqual(
      new Set(['outcome.unknown-deployment']),
    );
    await device.close();
  });

  it('without a key or that are no records are ignored, and the connection lives on', async () => {
    const identity = await enrollDevice(server);
    const device = await connectDevice(identity);
    await device.report({ outbox: 'x', seq: 1 });
    const { up } = deviceTopics(identity.fleet, identity.device);
    await device.client.publishAsync(up.telemetry, Buffer.from([255, 255, 255]), { qos: 1 });
    await device.client.publishAsync(up.sync, Buffer.from([255, 255]), { qos: 1 });
    await device.sync();
    await until('desired state', () => device.desired[0]);
    await device.close();
  });
});

describe('a revoked device', () => {
  it('is cut off and cannot come back', async () => {
    const identity = await enrollDevice(server);
    const device = await connectDevice(identity);
    const gone = closed(device);
    await server.call('PATCH', `/devices/${identity.device}`, { status: 'revoked' });
    await gone;
    await expect(connectDevice(identity)).rejects.toThrow(REFUSED);
    const blob = await fetch(`${server.url}/api/1/fleets/default/tuf/root.json`, {
      headers: { authorization: `Bearer ${await signLogin(identity)}` },
    });
    expect(blob.status).toBe(401);
  });
});
