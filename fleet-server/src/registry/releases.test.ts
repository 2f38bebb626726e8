import { AGENT_SLOT, PROTOCOL_MINOR } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectDevice,
  enrollDevice,
  type FakeDevice,
  type Identity,
  until,
} from '../testing/fake-device.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';
import { makeAgentRelease, makeBundle, push, tarOf } from '../testing/uploads.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

async function pushRelease(...fields: Parameters<typeof makeAgentRelease>[0][]) {
  const made = await Promise.all(fields.map((one) => makeAgentRelease(one)));
  const files = Object.fromEntries(made.map(({ name, bytes }) => [name, bytes]));
  return push(server, AGENT_SLOT, await tarOf(files));
}

async function connect(name: string, said: object): Promise<[Identity, FakeDevice]> {
  const identity = await enrollDevice(server, { name });
  const device = await connectDevice(identity);
  const capabilities = { arch: 'x86_64', libc: 'glibc 2.36', selfUpdate: true };
  await device.state(1, true, { capabilities, ...said });
  return [identity, device];
}

describe('releases of the agent', () => {
  it('are versions of a name that no model has, with a package for each platform', async () => {
    const answer = await pushRelease({ arch: 'x64' }, { arch: 'arm64' });
    expect(answer).toMatchObject({ status: 202, body: { model: AGENT_SLOT, version: 1 } });
    const { body } = await server.call('GET', `/models/${AGENT_SLOT}/versions/1`);
    expect(body).toMatchObject({
      status: 'ready',
      variants: [
        { target: 'linux-arm64', precision: '0.2.0' },
        { target: 'linux-x64', precision: '0.2.0', report: { release: { protocolMinor: 1 } } },
      ],
    });
  });

  it('are refused where the server could not manage their agents', async () => {
    const answer = await pushRelease({ release: 7, protocolMinor: PROTOCOL_MINOR + 2 });
    expect(answer.status).toBe(422);
    expect(String(answer.body.detail)).toContain('would not be managed here');
  });

  it('do not mix with models', async () => {
    const model = await makeBundle();
    const wrong = await push(server, AGENT_SLOT, await tarOf({ [model.name]: model.bytes }));
    expect(wrong).toMatchObject({ status: 422, body: { code: 'upload.invalid' } });
    const source = await push(server, AGENT_SLOT, await tarOf({ 'model.onnx': 'x' }));
    expect(source).toMatchObject({ status: 422, body: { code: 'upload.invalid' } });
    const release = await makeAgentRelease({ release: 9 });
    const other = await push(server, 'parts', await tarOf({ [release.name]: release.bytes }));
    expect(other).toMatchObject({ status: 422, body: { code: 'upload.invalid' } });
  });

  it('go to the devices that can take them, and the others are named with the reason', async () => {
    const [, device] = await connect('able', {});
    const [, old] = await connect('old', { protocolMinor: 0 });
    const [, bare] = await connect('bare', { capabilities: { arch: 'x86_64' } });
    await until('the states to be taken in', async () => {
      const { body } = await server.call('GET', '/overview/devices');
      return JSON.stringify(body.items).split('"online":true').length === 4;
    });
    const order = { model: AGENT_SLOT, version: 1, waves: ['100%'], soakMs: 0 };
    const made = await server.call('POST', '/rollouts', order);
    expect(made.status).toBe(201);
    const { body } = await server.call('GET', `/rollouts/${String(made.body.id)}`);
    const members = body.devices as unknown as { name: string; state: string; reason: string }[];
    expect(new Map(members.map(({ name, reason }) => [name, reason]))).toEqual(
      new Map([
        ['able', 'agent 0.2.0 for linux-x64'],
        ['old', expect.stringContaining('too old')],
        ['bare', expect.stringContaining('no launcher')],
      ]),
    );
    expect(body).toMatchObject({
      settings: { gates: { disabled: expect.arrayContaining(['errors']) } },
    });
    const slots = await until(
      'the release is desired',
      () => device.desired.at(-1)?.slots[0] && device.desired.at(-1)?.slots,
    );
    expect(slots).toMatchObject([
      { name: AGENT_SLOT, active: { model: AGENT_SLOT, version: 1, precision: '0.2.0' } },
    ]);
    // an agent that went back to before would refuse everything for this slot
    await device.state(2, true, { protocolMinor: 0 });
    await device.sync();
    await until('the slot is left out', () => device.desired.at(-1)?.slots.length === 0);
    await Promise.all([device, old, bare].map((one) => one.close()));
  });
});
