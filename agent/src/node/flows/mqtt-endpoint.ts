import { randomBytes } from 'node:crypto';
import type { Connection, ConnectOptions, Transport } from '../../core/index.ts';
import type { MqttConfig } from './schema.ts';
import { readSecret } from './secret.ts';

export interface MqttPorts {
  readonly folder: string;
  readonly transport: Transport;
}

/**
 * One connection to a broker of the owner's, which is none of the fleet's.
 *
 * @throws FlotillaError `agent.unreachable`, `agent.login-refused`
 */
export async function connectMqtt(
  config: MqttConfig,
  { folder, transport }: MqttPorts,
  on: Pick<ConnectOptions, 'onMessage' | 'onClose'>,
): Promise<Connection> {
  const { url, username, password, passwordFile, clientId } = config;
  const address = new URL(url);
  const secret = passwordFile === undefined ? password : await readSecret(folder, passwordFile);
  const user = username ?? decodeURIComponent(address.username);
  const word = secret ?? decodeURIComponent(address.password);
  address.username = '';
  address.password = '';
  return transport.connect({
    url: address.href,
    clientId: clientId ?? `flotilla-${randomBytes(6).toString('hex')}`,
    ...(user === '' ? {} : { username: user }),
    ...(word === '' ? {} : { password: word }),
    ...on,
  });
}
