import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';

/** A message on its way between a device and the broker. */
export interface TappedMessage {
  readonly direction: 'up' | 'down';
  readonly topic: string;
  /** The very bytes that travel on: what is changed here arrives changed. */
  readonly payload: Buffer;
}

/** A relay in front of a broker that sees every PUBLISH packet. */
export interface Tap {
  readonly url: string;
  close(): Promise<void>;
}

const PUBLISH = 3;

export async function startTap(
  brokerPort: () => number,
  onMessage: (message: TappedMessage) => void,
): Promise<Tap> {
  const sockets = new Set<Socket>();
  const server = createServer((device) => {
    const broker = createConnection(brokerPort(), '127.0.0.1');
    relay(device, broker, 'up', onMessage);
    relay(broker, device, 'down', onMessage);
    for (const socket of [device, broker]) {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `mqtt://127.0.0.1:${port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

function relay(
  from: Socket,
  to: Socket,
  direction: TappedMessage['direction'],
  onMessage: (message: TappedMessage) => void,
): void {
  let held: Buffer = Buffer.alloc(0);
  from.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    for (let end = packetEnd(held); end !== undefined; end = packetEnd(held)) {
      const packet = held.subarray(0, end);
      const message = readPublish(packet, direction);
      if (message !== undefined) onMessage(message);
      to.write(packet);
      held = held.subarray(end);
    }
  });
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
}

/** Where the first packet ends (MQTT 3.1.1 §2.2.3), or undefined while it is not whole. */
function packetEnd(bytes: Buffer): number | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(5, bytes.length); at++) {
    const byte = bytes[at] ?? 0;
    length += (byte & 0x7f) * 128 ** (at - 1);
    if ((byte & 0x80) !== 0) continue;
    const end = at + 1 + length;
    return end <= bytes.length ? end : undefined;
  }
  return undefined;
}

/** MQTT 3.1.1 §3.3: topic, then a packet id above QoS 0, then the payload. */
function readPublish(
  packet: Buffer,
  direction: TappedMessage['direction'],
): TappedMessage | undefined {
  const first = packet[0] ?? 0;
  if (first >> 4 !== PUBLISH) return undefined;
  const qos = (first >> 1) & 3;
  let at = 1;
  while (((packet[at] ?? 0) & 0x80) !== 0) at++;
  const topicAt = at + 3;
  const topicEnd = topicAt + packet.readUInt16BE(at + 1);
  const topic = packet.toString('utf8', topicAt, topicEnd);
  return { direction, topic, payload: packet.subarray(topicEnd + (qos > 0 ? 2 : 0)) };
}
