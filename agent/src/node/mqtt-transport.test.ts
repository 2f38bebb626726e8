import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { createMqttTransport } from './mqtt-transport.ts';

let aedes: Aedes;
let server: Server;
let url: string;
const sockets = new Set<Socket>();

beforeEach(async () => {
  aedes = await Aedes.createBroker();
  aedes.authenticate = (_client, _username, password, done) =>
    done(null, String(password) === 'good');
  server = createServer((socket) => {
    sockets.add(socket);
    aedes.handle(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(async () => {
  await new Promise<void>((resolve) => aedes.close(resolve));
  for (const socket of sockets) socket.destroy();
  server.close();
});

function connect(password = 'good', at = url) {
  const messages: string[] = [];
  const closed: string[] = [];
  const connection = createMqttTransport().connect({
    url: at,
    clientId: 'device',
    username: 'lab/device',
    password,
    will: { topic: 'state', payload: Uint8Array.of(1) },
    onMessage: (topic, payload) => messages.push(`${topic} ${payload.length}`),
    onClose: (reason) => closed.push(reason),
  });
  return { connection, messages, closed };
}

describe('MQTT transport', () => {
  test('publishes, subscribes, and leaves without a will', async () => {
    const wills: string[] = [];
    aedes.on('publish', ({ topic }) => wills.push(topic));
    const { connection, messages, closed } = connect();
    const open = await connection;
    await open.subscribe(['down/#']);
    await open.publish('down/x', Uint8Array.of(1, 2, 3), { qos: 1 });
    await vi.waitFor(() => expect(messages).toEqual(['down/x 3']));
    await open.close();
    expect(closed).toHaveLength(1);
    expect(wills).not.toContain('state');
  });

  test('speaks MQTT over WebSocket', async () => {
    const http = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/mqtt' });
    http.on('connection', (socket) => {
      aedes.handle(createWebSocketStream(socket));
    });
    await vi.waitFor(() => expect(http.address()).not.toBe(null));
    const { port } = http.address() as AddressInfo;
    const { connection, messages } = connect('good', `ws://127.0.0.1:${port}/mqtt`);
    const open = await connection;
    await open.subscribe(['down/#']);
    await open.publish('down/x', Uint8Array.of(1), { qos: 1 });
    await vi.waitFor(() => expect(messages).toEqual(['down/x 1']));
    await open.close();
    http.close();
  });

  test('tells a refused log-in from a server that does not answer', async () => {
    await expect(connect('bad').connection).rejects.toMatchObject({ code: 'agent.login-refused' });
    const nowhere = connect('good', 'mqtt://127.0.0.1:1').connection;
    await expect(nowhere).rejects.toMatchObject({ code: 'agent.unreachable' });
  });

  test('fails what was under way when the connection ends, and all that comes later', async () => {
    const { connection, closed } = connect();
    const open = await connection;
    aedes.authorizePublish = () => undefined;
    const waiting = open.publish('x', Uint8Array.of(1), { qos: 1 });
    const failed = expect(waiting).rejects.toMatchObject({ code: 'agent.unreachable' });
    await vi.waitFor(() => expect(sockets.size).toBeGreaterThan(0));
    for (const socket of sockets) socket.destroy();
    await failed;
    await vi.waitFor(() => expect(closed).toHaveLength(1));
    const later = open.publish('x', Uint8Array.of(1), { qos: 1 });
    await expect(later).rejects.toMatchObject({ code: 'agent.unreachable' });
  });
});
