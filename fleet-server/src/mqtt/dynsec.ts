import { randomBytes } from 'node:crypto';
import { deviceTopics, FlotillaError } from '@flotilla/protocol';
import type { MqttClient } from 'mqtt';
import type { BrokerLogin } from './port.ts';

const CONTROL = '$CONTROL/dynamic-security/v1';
const RESPONSE = `${CONTROL}/response`;
const ANSWER_MS = 10_000;

/** Accounts at Mosquitto, by its dynamic-security plugin (mosquitto.org/documentation/dynamic-security). */
export interface Dynsec {
  /** A new account whose rights are the device's own topics; replaces an earlier one. */
  provision(fleet: string, device: string): Promise<BrokerLogin>;
  /** Deletes the account, which also ends its session. */
  revoke(fleet: string, device: string): Promise<void>;
}

type Command = Readonly<Record<string, unknown>>;

interface Answer {
  readonly correlationData?: string;
  readonly error?: string;
}

/** @param client logged in as a user that may publish to and read from the control topics */
export function createDynsec(client: MqttClient, url: string): Dynsec {
  const waiting = new Map<string, (error: string | undefined) => void>();
  client.on('message', (topic, payload) => {
    if (topic !== RESPONSE) return;
    for (const { correlationData = '', error } of answersIn(payload)) {
      waiting.get(correlationData)?.(error);
    }
  });
  const send = async (commands: readonly Command[]): Promise<void> => {
    await client.subscribeAsync(RESPONSE, { qos: 1 });
    const answers = commands.map((command) => {
      const correlationData = randomBytes(9).toString('base64url');
      return { command: { ...command, correlationData }, answer: answerTo(correlationData) };
    });
    const text = JSON.stringify({ commands: answers.map(({ command }) => command) });
    await client.publishAsync(CONTROL, text, { qos: 1 });
    for (const { answer } of answers) {
      const reason = await answer;
      if (reason !== undefined) throw new FlotillaError('server.broker-refused', { url, reason });
    }
  };
  const answerTo = (correlationData: string) =>
    new Promise<string | undefined>((resolve) => {
      const settle = (error: string | undefined) => {
        clearTimeout(timer);
        waiting.delete(correlationData);
        resolve(error);
      };
      const timer = setTimeout(() => settle('no answer of dynamic-security'), ANSWER_MS);
      waiting.set(correlationData, settle);
    });
  return {
    async provision(fleet, device) {
      const login = {
        username: `${fleet}/${device}`,
        password: randomBytes(24).toString('base64url'),
      };
      await remove(send, fleet, device);
      await send(createCommands(fleet, device, login));
      return login;
    },
    revoke: (fleet, device) => remove(send, fleet, device),
  };
}

const roleOf = (fleet: string, device: string) => `device ${fleet}/${device}`;

function createCommands(fleet: string, device: string, login: BrokerLogin): Command[] {
  const topics = deviceTopics(fleet, device);
  const rolename = roleOf(fleet, device);
  const own = `flotilla/1/${fleet}/d/${device}/up/#`;
  const allow = (acltype: string, topic: string) => ({ acltype, topic, priority: 0, allow: true });
  const acls = [
    allow('publishClientSend', own),
    ...topics.subscriptions.map((filter) => allow('subscribePattern', filter)),
    ...topics.subscriptions.map((filter) => allow('publishClientReceive', filter)),
  ];
  return [
    { command: 'createRole', rolename, acls },
    { command: 'createClient', ...login, clientid: device, roles: [{ rolename, priority: 0 }] },
  ];
}

/** What was never there, or only half, is as good as removed. */
async function remove(
  send: (commands: readonly Command[]) => Promise<void>,
  fleet: string,
  device: string,
): Promise<void> {
  for (const command of [
    { command: 'deleteClient', username: `${fleet}/${device}` },
    { command: 'deleteRole', rolename: roleOf(fleet, device) },
  ]) {
    await send([command]).catch((error: FlotillaError) => {
      if (!/not found/i.test(error.message)) throw error;
    });
  }
}

function answersIn(payload: Buffer): Answer[] {
  try {
    const { responses } = JSON.parse(payload.toString('utf8')) as { responses?: Answer[] };
    return Array.isArray(responses) ? responses : [];
  } catch {
    return [];
  }
}
