import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from 'node:net';
import { type Draft, deviceTopics, type Window } from '@flotilla/protocol';
import { Aedes } from 'aedes';
import { importJWK, type JWK, jwtVerify } from 'jose';
import { createTestFleet, type TestFleet } from './test-fleet.ts';

export interface LiveServer {
  readonly fleet: TestFleet;
  readonly api: string;
  /** Telemetry windows that came, each record once. */
  windows(): Draft<Window>[];
  /** Requests with a range header. */
  readonly ranges: string[];
  /** Ends the response to a blob after so many bytes; 0 sends all. */
  breakAfter: number;
  /** Answers nothing: every connection is closed as it comes. */
  away: boolean;
  /** Changes one byte of every blob. */
  altering: boolean;
  /** Closes the device's connection. */
  drop(): void;
  close(): Promise<void>;
}

const TOKEN = 'clm_good';

/** A test fleet behind real HTTP and MQTT on the loopback; it checks the device's log-ins. */
export async function startLiveServer(): Promise<LiveServer> {
  const http = createServer();
  const api = `http://127.0.0.1:${await listen(http)}`;
  const aedes = await Aedes.createBroker();
  const sockets = new Set<Socket>();
  const broker = createTcpServer((socket) => {
    if (self.away) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  const fleet = createTestFleet(api, `mqtt://127.0.0.1:${await listen(broker)}`);
  const topics = deviceTopics(fleet.identity.fleet, fleet.identity.device);
  const ranges: string[] = [];
  let key: JWK | undefined;

  const login = async (jwt: string): Promise<boolean> => {
    const { fleet: name, device } = fleet.identity;
    const options = { audience: `flotilla/${name}`, issuer: device, subject: device };
    try {
      await jwtVerify(jwt, await importJWK(key ?? {}, 'EdDSA'), options);
      return true;
    } catch {
      return false;
    }
  };
  aedes.authenticate = (client, username, password, done) => {
    const { device } = fleet.identity;
    const named = client.id === device && username === fleet.identity.mqtt.username;
    login(String(password)).then(
      (ok) => done(null, named && ok),
      () => done(null, false),
    );
  };
  const send = (topic: string, payload: Uint8Array) =>
    aedes.publish(
      {
        cmd: 'publish',
        topic,
        payload: Buffer.from(payload),
        qos: 1,
        retain: topic.endsWith('/halt'),
        dup: false,
      },
      () => undefined,
    );
  fleet.listeners.add(send);
  aedes.on('publish', ({ topic, payload }) => {
    if (!topic.startsWith(topics.up.state.replace(/state$/, ''))) return;
    for (const [down, answer] of fleet.receive(topic, Buffer.from(payload))) send(down, answer);
  });

  const self: LiveServer = {
    fleet,
    api,
    ranges,
    breakAfter: 0,
    away: false,
    altering: false,
    windows: () => [...fleet.records.values()].flatMap(({ window }) => window ?? []),
    drop() {
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      http.closeAllConnections();
      self.drop();
      await new Promise((resolve) => aedes.close(() => resolve(undefined)));
      await Promise.all([http, broker].map((server) => closed(server)));
    },
  };
  http.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const path = request.url ?? '';
    if (self.away) return request.socket.destroy();
    if (path === '/api/1/enroll') {
      void readJson(request).then((body) => {
        const good = body.token === TOKEN;
        if (good) key = body.publicKey as JWK;
        const answer = { ...fleet.identity, root: JSON.parse(fleet.root) };
        const problem = { title: 'token spent', detail: 'this claim token was used up' };
        reply(response, good ? 201 : 403, good ? answer : problem);
      });
      return;
    }
    const { status, body: sound } = fleet.get(path);
    const body = self.altering && path.includes('/blobs/') ? altered(sound) : sound;
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (from > 0) ranges.push(`${path} ${request.headers.range}`);
    const rest = body.subarray(from);
    response.writeHead(from > 0 ? 206 : status, {
      'content-length': rest.length,
      ...(from > 0 ? { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` } : {}),
    });
    const cut = self.breakAfter;
    if (cut === 0 || rest.length <= cut) return response.end(rest);
    return response.write(rest.subarray(0, cut), () => setTimeout(() => response.destroy(), 30));
  });
  return self;
}

/** The last byte is another one. */
function altered(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[copy.length - 1] = (copy.at(-1) ?? 0) ^ 1;
  return copy;
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

const closed = (server: Server) => new Promise((resolve) => server.close(resolve));

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return JSON.parse(text) as Record<string, unknown>;
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
