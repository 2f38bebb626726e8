import {
  type Ack,
  type Desired,
  type Draft,
  decode,
  deviceTopics,
  encode,
  type Record as OutboxRecord,
  PROTOCOL_MINOR,
  type State,
  type Sync,
} from '@flotilla/protocol';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt';
import { callApi, type TestServer } from './test-server.ts';

type Key = CryptoKey;

/** What a device keeps after enrolment. */
export interface Identity {
  readonly fleet: string;
  readonly device: string;
  readonly mqtt: { readonly url: string; readonly username: string; readonly password?: string };
  readonly root: unknown;
  readonly key: Key;
}

/** Of a machine that runs anything. */
const CAPABILITIES = {
  arch: 'x64',
  memoryBytes: 2 ** 33,
  runtimes: [{ name: 'onnxruntime', version: '1.30.0', maxOpset: 21, providers: ['cpu'] }],
};

/** Makes a claim token and enrolls a new device with it. */
export async function enrollDevice(
  server: TestServer,
  { name = 'fake', tags = {}, target = 'x86-64' } = {},
): Promise<Identity> {
  const claim = await server.call('POST', '/claim-tokens', { uses: 1 });
  const { publicKey, privateKey } = await generateKeyPair('Ed25519', { extractable: true });
  const answer = await callApi(`${server.url}/api/1/enroll`, 'POST', {
    token: String(claim.body.token),
    publicKey: publicFields(await exportJWK(publicKey)),
    name,
    tags,
    capabilities: { ...CAPABILITIES, target },
  });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return { ...(answer.body as unknown as Omit<Identity, 'key'>), key: privateKey };
}

export const publicFields = ({ kty, crv, x }: { kty?: string; crv?: string; x?: string }) => ({
  kty,
  crv,
  x,
});

/** A log-in as the device signs it; claims may be bent for tests. */
export async function signLogin(
  { fleet, device, key }: Identity,
  claims: Record<string, unknown> = {},
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000);
  return new SignJWT({
    iss: device,
    sub: device,
    aud: `flotilla/${fleet}`,
    iat,
    exp: iat + 300,
    ...claims,
  })
    .setProtectedHeader({ alg: 'EdDSA', kid: device })
    .sign(key);
}

/** A connected device that gathers what it is told. */
export interface FakeDevice {
  readonly client: MqttClient;
  readonly desired: Desired[];
  readonly acks: Ack[];
  state(connectSeq: number, online?: boolean, said?: Draft<State>): Promise<void>;
  sync(sync?: Draft<Sync>): Promise<void>;
  report(record: Draft<OutboxRecord>): Promise<void>;
  telemetry(record: Draft<OutboxRecord>): Promise<void>;
  close(): Promise<void>;
}

export const stamp = () => ({ wallMs: Date.now(), monotonicMs: 1, clockSynced: true });

export async function connectDevice(
  identity: Identity,
  options: IClientOptions & { readonly url?: string } = {},
): Promise<FakeDevice> {
  const { fleet, device } = identity;
  const { url = identity.mqtt.url, ...mqttOptions } = options;
  const topics = deviceTopics(fleet, device);
  const client = await mqtt.connectAsync(
    url,
    {
      clientId: device,
      username: identity.mqtt.username,
      password: identity.mqtt.password ?? (await signLogin(identity)),
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: 5000,
      ...mqttOptions,
    },
    false,
  );
  const desired: Desired[] = [];
  const acks: Ack[] = [];
  client.on('message', (topic, payload) => {
    if (topic === topics.down.desired) desired.push(decode('Desired', payload));
    if (topic === topics.down.ack) acks.push(decode('Ack', payload));
  });
  client.on('error', () => {});
  await client.subscribeAsync([...topics.subscriptions], { qos: 1 });
  const send = async (topic: string, payload: Uint8Array, retain = false) => {
    await client.publishAsync(topic, Buffer.from(payload), { qos: 1, retain });
  };
  return {
    client,
    desired,
    acks,
    state(connectSeq, online = true, said = {}) {
      const own = { agentVersion: '0.1.0', protocolMinor: PROTOCOL_MINOR };
      const state = { at: stamp(), online, connectSeq, ...own, ...said };
      return send(topics.up.state, encode('State', state), true);
    },
    sync: (sync = {}) => send(topics.up.sync, encode('Sync', { at: stamp(), ...sync })),
    report: (record) => send(topics.up.report, encode('Record', { at: stamp(), ...record })),
    telemetry: (record) => send(topics.up.telemetry, encode('Record', { at: stamp(), ...record })),
    close: () => client.endAsync(true),
  };
}

/** Waits until it holds, and says what did not. */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  ms = 10_000,
): Promise<T> {
  for (const giveUp = Date.now() + ms; ; ) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > giveUp) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
