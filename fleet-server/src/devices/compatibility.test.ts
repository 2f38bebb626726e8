import { PROTOCOL_MINOR } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  connectDevice,
  enrollDevice,
  type FakeDevice,
  type Identity,
  until,
} from '../testing/fake-device.ts';
import { startTestServer, type TestServer } from '../testing/test-server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.stop());

/** What the API says of a device once its state of that connection was taken in. */
async function sayMinor(
  identity: Identity,
  device: FakeDevice,
  seq: number,
  protocolMinor: number,
) {
  await device.state(seq, true, { protocolMinor, agentVersion: `0.${protocolMinor}.0` });
  return until('the state to be taken in', async () => {
    const { body } = await server.call('GET', `/devices/${identity.device}`);
    return Number(body.protocolMinor) === protocolMinor && body;
  });
}

describe('an agent of another release', () => {
  it.each([0, PROTOCOL_MINOR, PROTOCOL_MINOR + 1])('is managed with minor %i', async (minor) => {
    const identity = await enrollDevice(server);
    const device = await connectDevice(identity);
    expect(await sayMinor(identity, device, 1, minor)).toMatchObject({ incompatible: '' });
    await device.sync();
    await until('the desired state', () => device.desired.length > 0);
    await device.close();
  });

  it('is told nothing where it is too far ahead, until the device has one that fits', async () => {
    const identity = await enrollDevice(server, { name: 'ahead' });
    const device = await connectDevice(identity);
    const said = await sayMinor(identity, device, 1, PROTOCOL_MINOR + 2);
    expect(said.online).toBe(true);
    expect(String(said.incompatible)).toMatch(/speaks protocol 1\.\d+, this server .*: update/);
    const { body } = await server.call('GET', '/overview/devices');
    expect(body.items).toContainEqual(
      expect.objectContaining({ name: 'ahead', incompatible: said.incompatible }),
    );
    await device.sync({ active: [{ slot: 'parts', model: 'parts', version: 7 }] });
    // the sync was taken in, and not answered
    await until('the sync to be taken in', async () => {
      const { body } = await server.call('GET', `/devices/${identity.device}`);
      return JSON.stringify(body.active).includes('"version":7');
    });
    await server.call('PATCH', `/devices/${identity.device}`, { tags: { site: 'lyon' } });
    expect(device.desired).toEqual([]);
    await sayMinor(identity, device, 2, PROTOCOL_MINOR);
    await device.sync();
    await until('the desired state', () => device.desired.length === 1);
    await device.close();
  });
});
