import { encode, FlotillaError, fleetTopics } from '@flotilla/protocol';
import type { Logger } from 'pino';
import type { ServerConfig } from '../config.ts';
import type { HttpListener } from '../http/listener.ts';
import { startAedes } from './aedes.ts';
import { connectExternal } from './external.ts';
import type { DeviceLogin } from './guard.ts';
import type { Broker } from './port.ts';

export interface BrokerParts {
  readonly config: ServerConfig;
  /** Of the data folder: the client id at a broker outside stays the same from start to start. */
  readonly id: string;
  /** Of this running server: names its state topic. */
  readonly instance: string;
  readonly login: DeviceLogin;
  readonly log: Logger;
  /** Takes MQTT over WebSocket for the embedded broker. */
  readonly listener: HttpListener;
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** @throws FlotillaError `server.port-in-use`, `server.broker-offline`, `config.invalid` */
export async function openBroker(parts: BrokerParts): Promise<Broker> {
  const { config, log, tls } = parts;
  if (config.broker !== '') {
    return connectExternal({
      url: config.broker,
      username: config.brokerUser,
      password: config.brokerPassword,
      clientId: `flotilla-server-${parts.id}`,
      accounts: accountsOf(config),
      will: {
        topic: fleetTopics(config.fleet).server(parts.instance),
        payload: encode('ServerState', { online: false }),
      },
      log,
    });
  }
  const broker = await startAedes({
    host: config.listen,
    port: config.mqttPort,
    login: parts.login,
    log,
    ...(tls === undefined ? {} : { tls }),
  });
  parts.listener.handleMqtt(broker.accept);
  return broker;
}

function accountsOf({ brokerAccounts }: ServerConfig): 'dynsec' | 'none' {
  if (brokerAccounts === 'dynsec' || brokerAccounts === 'none') return brokerAccounts;
  const reason = `${JSON.stringify(brokerAccounts)} is neither dynsec nor none`;
  throw new FlotillaError('config.invalid', { key: 'brokerAccounts', reason });
}
