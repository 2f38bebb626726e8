import { deviceTopics, fleetTopics, newId } from '@flotilla/protocol';
import mqtt, { type MqttClient } from 'mqtt';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Mosquitto, startMosquitto } from '../../../test/support/mosquitto.ts';
import { until } from '../testing/fake-device.ts';
import { startAedes } from './aedes.ts';
import { connectExternal } from './external.ts';
import type { Broker, UpMessage } from './port.ts';

const log = pino({ level: 'silent' });
const fleet = 'default';
const mosquitto = await startMosquitto();
afterAll(() => mosquitto?.stop());

const aedes = () =>
  startAedes({ host: '127.0.0.1', port: 0, login: async () => ({ ok: true }), log });
const outside =
  ({ url, admin }: Mosquitto) =>
  () =>
    connectExternal({ url, ...admin, clientId: newId(), accounts: 'dynsec', log });

const BROKERS: [string, () => Promise<Broker>][] = [['aedes in the process', aedes]];
if (mosquitto !== undefined) BROKERS.push(['Mosquitto outside', outside(mosquitto)]);

describe.each(BROKERS)('the broker port on %s', (_, open) => {
  let broker: Broker;
  const heard: UpMessage[] = [];
  const clients: MqttClient[] = [];
  beforeAll(async () => {
    broker = await open();
    broker.onUp((message) => heard.push(message));
  });
  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.endAsync(true)));
  });
  afterAll(() => broker.close());

  async function connect(device: string, options: mqtt.IClientOptions = {}): Promise<MqttClient> {
    const login = (await broker.provision(fleet, device)) ?? {
      username: `${fleet}/${device}`,
      password: 'a token',
    };
    const client = await mqtt.connectAsync(
      broker.url,
      { clientId: device, ...login, protocolVersion: 4, reconnectPeriod: 0, ...options },
      false,
    );
    client.on('error', () => {});
    clients.push(client);
    return client;
  }

  it('brings what a device says, and takes to it what it may hear', async () => {
    const device = newId();
    const topics = deviceTopics(fleet, device);
    const client = await connect(device);
    const got: [string, string][] = [];
    client.on('message', (topic, payload) => got.push([topic, payload.toString()]));
    await client.subscribeAsync([...topics.subscriptions], { qos: 1 });
    await client.publishAsync(topics.up.sync, 'here I am', { qos: 1 });
    const said = await until('the message', () => heard.find((m) => m.topic === topics.up.sync));
    expect(Buffer.from(said.payload).toString()).toBe('here I am');
    const options = { qos: 1, retain: false } as const;
    await broker.publish(topics.down.desired, Buffer.from('run this'), options);
    await broker.publish(fleetTopics(fleet).halt, Buffer.from('stop'), options);
    await until('both messages', () => got.length === 2);
    expect(got).toContainEqual([topics.down.desired, 'run this']);
  });

  it('publishes the will of a device that is gone', async () => {
    const device = newId();
    const { up } = deviceTopics(fleet, device);
    const will = { topic: up.state, payload: Buffer.from('gone'), qos: 1 as const, retain: true };
    const client = await connect(device, { will });
    client.stream.destroy();
    await until('the will', () => heard.some((m) => m.topic === up.state));
  });

  it('keeps devices off the topics of others, their wills too', async () => {
    const [device, victim] = [newId(), newId()];
    const topics = deviceTopics(fleet, victim);
    const client = await connect(device);
    const granted = await client
      .subscribeAsync(topics.subscriptions[0] ?? '', { qos: 1 })
      .then(([grant]) => grant?.qos)
      .catch(() => 128);
    expect(granted).toBe(128);
    client.publish(topics.up.report, 'forged', { qos: 1 });
    const will = { topic: topics.up.state, payload: Buffer.from('forged'), qos: 1 as const };
    await connect(newId(), { will: { ...will, retain: false } })
      .then((intruder) => intruder.stream.destroy())
      .catch(() => undefined);
    const own = await connect(victim);
    await own.publishAsync(topics.up.sync, 'true', { qos: 1 });
    await until('what the device itself says', () => heard.some((m) => m.topic === topics.up.sync));
    const forged = heard.filter((m) => Buffer.from(m.payload).toString() === 'forged');
    expect(forged).toEqual([]);
  });

  it('shuts a revoked device out', async () => {
    const device = newId();
    const client = await connect(device);
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    await broker.revoke(fleet, device);
    await closed;
  });
});

describe('the embedded broker', () => {
  it('keeps nothing for a device that is away, and refuses one that need never say a word', async () => {
    const broker = await aedes();
    const device = newId();
    const { down, subscriptions } = deviceTopics(fleet, device);
    const got: string[] = [];
    const connect = async (options: mqtt.IClientOptions = {}) => {
      const username = `${fleet}/${device}`;
      const login = { clientId: device, username, password: 'a token', reconnectPeriod: 0 };
      const client = await mqtt.connectAsync(broker.url, { ...login, ...options }, false);
      client.on('message', (topic) => got.push(topic));
      return client;
    };
    const before = await connect({ clean: false });
    await before.subscribeAsync([...subscriptions], { qos: 1 });
    await before.endAsync();
    await broker.publish(down.desired, Buffer.from('old'), { qos: 1, retain: false });
    const after = await connect({ clean: false });
    await after.subscribeAsync([...subscriptions], { qos: 1 });
    await broker.publish(down.ack, Buffer.from('new'), { qos: 1, retain: false });
    await until('what is new', () => got.length > 0);
    expect(got).toEqual([down.ack]);
    await after.endAsync();
    await expect(connect({ keepalive: 0 })).rejects.toThrow();
    await broker.close();
  });
});

describe.runIf(mosquitto !== undefined)('a broker outside', () => {
  it('that crashes is found again, and what is published meanwhile fails', async () => {
    const broker = await outside(mosquitto!)();
    const heard: string[] = [];
    broker.onUp(({ topic }) => heard.push(topic));
    let reconnected = 0;
    broker.onReconnect(() => reconnected++);
    await mosquitto!.restart();
    const topic = deviceTopics(fleet, newId()).up.sync;
    const { url, admin } = mosquitto!;
    await until(
      'the subscription after the restart',
      async () => {
        const client = await mqtt
          .connectAsync(url, { ...admin, reconnectPeriod: 0 })
          .catch(() => undefined);
        await client?.publishAsync(topic, 'again', { qos: 1 });
        await client?.endAsync(true);
        return heard.includes(topic);
      },
      20_000,
    );
    expect(reconnected).toBeGreaterThan(0);
    await broker.close();
    const gone = broker.publish(topic, Buffer.from('x'), { qos: 1, retain: false });
    await expect(gone).rejects.toMatchObject({ code: 'server.broker-offline' });
  });

  it('that refuses the server is named in one line', async () => {
    const { url } = mosquitto!;
    const config = { url, username: 'server', password: 'wrong', clientId: newId(), log };
    const refused = connectExternal({ ...config, accounts: 'dynsec' });
    await expect(refused).rejects.toMatchObject({ code: 'server.broker-refused' });
  });
});

it('a broker that is not there is named in one line', async () => {
  const config = { url: 'mqtt://127.0.0.1:1', username: '', password: '', clientId: newId(), log };
  const refused = connectExternal({ ...config, accounts: 'none', connectTimeoutMs: 2000 });
  await expect(refused).rejects.toMatchObject({ code: 'server.broker-offline' });
});
