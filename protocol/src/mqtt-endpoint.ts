import { FlotillaError } from './error.ts';

/** Where a broker is, as MQTT clients take it. */
export interface MqttEndpoint {
  readonly protocol: 'mqtt' | 'mqtts' | 'ws' | 'wss';
  readonly host: string;
  readonly hostname: string;
  readonly port: number;
  /** Of WebSockets, with its query. */
  readonly path: string;
  /** Of the log-in that the address names, if any. */
  readonly username?: string;
  readonly password?: string;
}

const PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;

/**
 * Takes apart `mqtt://host:port` and its like: mqtt.js does it with `url.parse`, of which Node warns.
 *
 * @throws FlotillaError `config.invalid` where its log-in holds a bare %
 */
export function mqttEndpoint(url: string): MqttEndpoint {
  const { protocol, hostname, port, pathname, search, username, password } = new URL(url);
  const scheme = protocol.slice(0, -1) as MqttEndpoint['protocol'];
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    protocol: scheme,
    host,
    hostname: host,
    port: Number(port) || (PORTS[scheme] ?? PORTS.mqtt),
    path: `${pathname}${search}`,
    ...(username === '' ? {} : { username: decoded(username, host) }),
    ...(password === '' ? {} : { password: decoded(password, host) }),
  };
}

/** What is wrong is told without the word, which may be a password. */
function decoded(word: string, host: string): string {
  try {
    return decodeURIComponent(word);
  } catch {
    const key = `URL of the MQTT broker ${host}`;
    const reason = 'a % in its user or password stands for itself: write it as %25';
    throw new FlotillaError('config.invalid', { key, reason });
  }
}
