import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import mqttPacket, { type Packet } from 'mqtt-packet';

export interface LinkOptions {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  readonly url: string;
  readonly clientId: string;
  readonly username: string;
  readonly password: string;
  readonly keepaliveS: number;
  /** How long the broker may say nothing before it lets the device in. */
  readonly patienceMs: number;
  readonly subscriptions: readonly string[];
  readonly will: { readonly topic: string; readonly payload: Uint8Array };
  onMessage(topic: string, payload: Uint8Array): void;
  /** Told once, when the connection has ended in whichever way. */
  onClose(): void;
}

/** An MQTT 3.1.1 connection of one simulated device: no timers and no queues of its own. */
export interface Link {
  publish(topic: string, payload: Uint8Array, retain?: boolean): void;
  ping(): void;
  /** DISCONNECT: the will is not published. */
  end(): void;
  /** As if the cable were pulled. */
  drop(): void;
}

/** Thousands of devices share a process, so each has a bare socket instead of a client library. */
export function openLink(options: LinkOptions): Promise<Link> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(new URL(options.url));
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    let messageId = 0;
    const nextId = () => {
      messageId = (messageId % 65_535) + 1;
      return messageId;
    };
    const send = (packet: Packet) => {
      if (socket.writable) socket.write(mqttPacket.generate(packet));
    };
    const link: Link = {
      publish: (topic, payload, retain = false) =>
        send({
          cmd: 'publish',
          topic,
          payload: Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength),
          qos: 1,
          retain,
          dup: false,
          messageId: nextId(),
        }),
      ping: () => send({ cmd: 'pingreq' }),
      end: () => {
        send({ cmd: 'disconnect' });
        socket.end();
      },
      drop: () => void socket.destroy(),
    };
    parser.on('packet', (packet: Packet) => {
      if (packet.cmd === 'connack') {
        if (packet.returnCode !== 0) {
          socket.destroy(new Error(`the log-in was refused (${packet.returnCode})`));
          return;
        }
        const subscriptions = options.subscriptions.map((topic) => ({ topic, qos: 1 as const }));
        send({ cmd: 'subscribe', messageId: nextId(), subscriptions });
      }
      if (packet.cmd === 'suback') {
        socket.setTimeout(0);
        resolve(link);
      }
      if (packet.cmd !== 'publish') return;
      if (packet.qos > 0) send({ cmd: 'puback', messageId: packet.messageId ?? 0 });
      options.onMessage(packet.topic, packet.payload as Buffer);
    });
    parser.on('error', (error: Error) => socket.destroy(error));
    socket.setTimeout(options.patienceMs, () => socket.destroy(new Error('the broker is silent')));
    socket.on('connect', () => send(connectPacket(options)));
    socket.on('data', (chunk) => parser.parse(chunk));
    let reason = new Error('the connection was closed');
    socket.on('error', (error) => {
      reason = error;
    });
    socket.on('close', () => {
      reject(reason);
      options.onClose();
    });
  });
}

function openSocket({ protocol, hostname, port }: URL): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (protocol === 'mqtt:') return connectTcp({ host, port: Number(port || 1883), noDelay: true });
  return connectTls({ host, port: Number(port || 8883) });
}

const connectPacket = (options: LinkOptions): Packet => ({
  cmd: 'connect',
  protocolId: 'MQTT',
  protocolVersion: 4,
  clean: true,
  clientId: options.clientId,
  keepalive: options.keepaliveS,
  username: options.username,
  password: Buffer.from(options.password),
  will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1, retain: true },
});
