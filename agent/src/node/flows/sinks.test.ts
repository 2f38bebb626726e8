import { createHmac } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Clock } from '../../core/index.ts';
import { createMqttTransport } from '../mqtt-transport.ts';
import { systemClock } from '../system-clock.ts';
import { jsonlSink } from './jsonl-sink.ts';
import { createOutlet, type Outlet } from './outlet.ts';
import type { JsonlConfig, WebhookConfig } from './schema.ts';
import type { Parcel, Sink, SinkPorts } from './sink.ts';
import { webhookSink } from './webhook-sink.ts';

/** Pauses between tries are short here. */
const clock: Clock = {
  ...systemClock,
  sleep: (milliseconds, signal) => systemClock.sleep(Math.min(milliseconds, 100) / 4, signal),
};
const parcel = (id: string, json = `{"id":"${id}"}`): Parcel => ({ id, json });

let ports: SinkPorts;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-sinks-'));
  ports = { folder, clock, random: () => 0.5, transport: createMqttTransport() };
});
afterEach(() => rm(ports.folder, { recursive: true, force: true }));

const settled = (outlet: Outlet, sent: number, dropped: number) =>
  vi.waitFor(() => expect(outlet.status()).toMatchObject({ sent, dropped, waiting: 0 }), {
    timeout: 10_000,
    interval: 5,
  });

describe('JSON lines', () => {
  const open = (config: Omit<JsonlConfig, 'jsonl'>) =>
    createOutlet(jsonlSink({ jsonl: 'out.jsonl', ...config }, ports), ports, () => undefined);

  test('are appended, and half a line of a power cut stays apart', async () => {
    await writeFile(join(ports.folder, 'out.jsonl'), '{"id":"a"}\n{"id":');
    const outlet = open({});
    outlet.put(parcel('b'));
    outlet.put(parcel('c'));
    await outlet.stop();
    const text = await readFile(join(ports.folder, 'out.jsonl'), 'utf8');
    expect(text).toBe('{"id":"a"}\n{"id":\n{"id":"b"}\n{"id":"c"}\n');
  });

  test('begin a new file at a size, and so many old ones are kept', async () => {
    const outlet = open({ rotate: { bytes: 40, keep: 2 } });
    for (let i = 0; i < 20; i++) {
      outlet.put(parcel(`${i}`, `{"id":${i},"fill":"${'.'.repeat(30)}"}`));
      await settled(outlet, i + 1, 0);
    }
    await outlet.stop();
    expect(await readdir(ports.folder)).toEqual(['out.jsonl.1', 'out.jsonl.2']);
    expect(await readFile(join(ports.folder, 'out.jsonl.1'), 'utf8')).toContain('"id":19');
  });
});

describe('a webhook', () => {
  interface Call {
    readonly path: string;
    readonly headers: IncomingHttpHeaders;
    readonly body: string;
  }
  let server: Server;
  let base: string;
  let answers: { status: number; headers?: Record<string, string> }[];
  const calls: Call[] = [];

  beforeEach(async () => {
    calls.length = 0;
    answers = [];
    server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      calls.push({ path: request.url ?? '', headers: request.headers, body });
      const { status, headers } = answers.shift() ?? { status: 204 };
      if (status === 0) return;
      response.writeHead(status, headers).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });
  const open = (config: Partial<WebhookConfig> = {}) => {
    const webhook = `http://${base}/parts`;
    return createOutlet(webhookSink({ webhook, ...config }, ports), ports, () => undefined);
  };

  test('gets a signed request that it can tell from a repeated one', async () => {
    await writeFile(join(ports.folder, 'secret'), 'sesame\n');
    const outlet = open({
      webhook: `http://me:pass@${base}/parts?key=1`,
      secretFile: 'secret',
      headers: { 'x-site': 'lyon' },
    });
    outlet.put(parcel('belt-1'));
    await settled(outlet, 1, 0);
    const [{ path, headers, body } = calls[0]!] = calls;
    expect({ path, body }).toEqual({ path: '/parts?key=1', body: '{"id":"belt-1"}' });
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'flotilla-delivery': 'belt-1',
      'x-site': 'lyon',
      authorization: `Basic ${Buffer.from('me:pass').toString('base64')}`,
    });
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(`${headers['flotilla-signature']}`) ?? [];
    expect(v1).toBe(createHmac('sha256', 'sesame').update(`${t}.${body}`).digest('hex'));
    expect(outlet.status().sink).toBe(`webhook http://${base}/parts`);
    await outlet.stop();
  });

  test('is tried again where the fault may pass, and given up at last', async () => {
    answers = [{ status: 503 }, { status: 429 }, { status: 0 }, { status: 200 }];
    const outlet = open({ tries: 4, timeout: '200ms' });
    outlet.put(parcel('a'));
    await settled(outlet, 1, 0);
    expect(calls).toHaveLength(4);
    answers = Array.from({ length: 4 }, () => ({ status: 500 }));
    outlet.put(parcel('b'));
    outlet.put(parcel('c'));
    await settled(outlet, 2, 1);
    expect(calls.slice(4).map(({ body }) => body)).toEqual([
      ...Array.from({ length: 4 }, () => '{"id":"b"}'),
      '{"id":"c"}',
    ]);
    await outlet.stop();
  });

  test('that refuses is not asked again, and one that sends elsewhere is not followed', async () => {
    answers = [{ status: 400 }, { status: 307, headers: { location: `http://${base}/elsewhere` } }];
    const outlet = open();
    outlet.put(parcel('a'));
    outlet.put(parcel('b'));
    await settled(outlet, 0, 2);
    expect(outlet.status().error).toContain('a redirection, which is not followed');
    expect(calls.map(({ path }) => path)).toEqual(['/parts', '/parts']);
    await outlet.stop();
  });
});

describe('what waits for a sink', () => {
  /** A sink that takes nothing until it is let. */
  function stuckSink(room: number) {
    const go = Promise.withResolvers<void>();
    const taken: string[] = [];
    const sink: Sink = {
      ...{ label: 'stuck', batch: 1, gatherMs: 0, room, tries: 3 },
      async deliver(parcels) {
        await go.promise;
        taken.push(...parcels.map(({ id }) => id));
      },
      close: async () => undefined,
    };
    return { sink, taken, go };
  }

  test('is bounded in number: the oldest goes, and is counted', async () => {
    const { sink, taken, go } = stuckSink(3);
    const outlet = createOutlet(sink, ports, () => undefined);
    outlet.put(parcel('0'));
    await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
    for (let i = 1; i <= 1000; i++) outlet.put(parcel(`${i}`));
    expect(outlet.status()).toMatchObject({ waiting: 4, dropped: 997 });
    go.resolve();
    await settled(outlet, 4, 997);
    expect(taken).toEqual(['0', '998', '999', '1000']);
    await outlet.stop();
  });

  test('is bounded in bytes', async () => {
    const { sink } = stuckSink(10_000);
    const outlet = createOutlet(sink, ports, () => undefined);
    const large = 'x'.repeat(200 << 10);
    for (let i = 0; i < 100; i++) outlet.put(parcel(`${i}`, large));
    expect(outlet.status().waiting).toBeLessThanOrEqual(21);
    outlet.put(parcel('huge', 'x'.repeat(300 << 10)));
    expect(outlet.status().error).toContain('is larger than');
    await outlet.stop();
  });

  test('does not hold up the end for ever', async () => {
    const { sink } = stuckSink(10);
    const outlet = createOutlet(sink, ports, () => undefined);
    outlet.put(parcel('a'));
    await outlet.stop();
    expect(outlet.status()).toMatchObject({ sent: 0, dropped: 1 });
  });
});
