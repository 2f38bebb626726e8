import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateSync, gzipSync } from 'node:zlib';
import { FlotillaError } from '@flotilla/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jsonAnswer, type Route } from './route.ts';
import { type LocalServer, serveLocal } from './server.ts';

const ROUTES: readonly Route[] = [
  { method: 'GET', path: '/things', handle: () => jsonAnswer({ things: 2 }) },
  { method: 'GET', path: '/things/:name', handle: ({ params }) => jsonAnswer(params) },
  { method: 'POST', path: '/things/:name', handle: ({ body }) => jsonAnswer(body.toString()) },
  {
    method: 'GET',
    path: '/broken',
    handle: () => {
      throw new Error('a bug');
    },
  },
];
const MAX = { maxRequestBytes: 1000 };

let server: LocalServer;
let address: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-http-'));
  server = await serveLocal(ROUTES, { listen: ['127.0.0.1:0', `unix:${folder}/s`], ...MAX });
  [address = ''] = server.addresses;
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** Asks with headers that `fetch` would not send. */
function ask(options: RequestOptions, body?: string): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(address);
  const place = options.socketPath === undefined ? { hostname, port } : {};
  return new Promise((resolve, reject) => {
    const call = request({ ...place, ...options }, (response) => {
      let text = '';
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    call.on('error', reject).end(body);
  });
}

const post = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  fetch(`${address}/things/a`, { method: 'POST', body: Buffer.from(body), headers });

describe('routes', () => {
  test('are found by method and path, with what the path holds', async () => {
    expect(await (await fetch(`${address}/things?x=1`)).json()).toEqual({ things: 2 });
    expect(await (await fetch(`${address}/things/a%20b`)).json()).toEqual({ name: 'a b' });
    expect(await (await post('hello')).json()).toBe('hello');
  });

  test.each([
    ['GET', '/nothing', 404],
    ['GET', '/things/', 404],
    ['GET', '/things/%', 400],
    ['DELETE', '/things', 405],
    ['GET', '/broken', 500],
  ])('answer %s %s with an error', async (method, path, status) => {
    const response = await ask({ method, path });
    expect(response.status).toBe(status);
    expect(JSON.parse(response.text)).toMatchObject({ error: expect.stringMatching(/^.{5,}$/) });
  });
});

describe('bodies', () => {
  test.each([
    ['gzip', gzipSync('hello')],
    ['deflate', deflateSync('hello')],
  ])('are decompressed: %s', async (encoding, body) => {
    const response = await post(body, { 'content-encoding': encoding });
    expect(await response.json()).toBe('hello');
  });

  test.each([
    ['of another encoding', 'x', { 'content-encoding': 'br' }, 415],
    ['that is not in its encoding', 'x', { 'content-encoding': 'gzip' }, 400],
    ['of another type', 'x', { 'content-type': 'text/plain' }, 415],
    ['beyond the limit', 'x'.repeat(1001), {}, 413],
    [
      'beyond the limit when decompressed',
      gzipSync('x'.repeat(1001)),
      { 'content-encoding': 'gzip' },
      413,
    ],
  ])('%s are refused', async (_what, body, headers, status) => {
    const response = await post(body, headers as Record<string, string>);
    expect(response.status).toBe(status);
  });

  test('beyond the limit of unstated length are refused, and the server goes on', async () => {
    const endless = new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(600)) });
    const init = { method: 'POST', body: endless, duplex: 'half' };
    const refused = await fetch(`${address}/things/a`, init as RequestInit).then(
      (response) => response.status,
      () => 413, // the connection may go before the answer is read
    );
    expect(refused).toBe(413);
    expect((await post('hello')).status).toBe(200);
  });
});

describe('the address', () => {
  test('is answered on all at once', async () => {
    const path = { socketPath: `${folder}/s`, path: '/things' };
    expect(await ask(path)).toEqual({ status: 200, text: '{"things":2}' });
    expect(server.addresses).toEqual([address, `unix:${folder}/s`]);
  });

  test('is answered to programs and not to web pages', async () => {
    const origin = { origin: 'http://evil.example' };
    expect(await ask({ path: '/things', headers: { host: 'evil.example' } })).toMatchObject({
      status: 403,
    });
    const cross = { method: 'POST', path: '/things/a', headers: origin };
    expect(await ask(cross, 'x')).toMatchObject({ status: 403 });
    expect(await ask({ path: '/things', headers: { host: 'localhost:1' } })).toMatchObject({
      status: 200,
    });
  });

  test('is named where it is in use, or cannot be read, and then none is held', async () => {
    const first = ['127.0.0.1:0', `unix:${folder}/other`];
    const open = (listen: string[]) => serveLocal(ROUTES, { listen, ...MAX });
    await expect(open([...first, address])).rejects.toMatchObject({ code: 'agent.port-in-use' });
    await expect(open([...first, 'somewhere'])).rejects.toThrow(FlotillaError);
    await (await open(first)).close();
  });

  test.each(['0.0.0.0:0', '192.168.1.7:0', '[::]:0', 'example.com:0'])(
    'is not reached from other machines: %s',
    async (listen) => {
      const refused = serveLocal(ROUTES, { listen: [listen], ...MAX });
      await expect(refused).rejects.toMatchObject({ code: 'cli.usage', exitCode: 2 });
    },
  );

  test('may be a socket over a stale one, never one in use, never a file', async () => {
    const taken = { listen: [`unix:${folder}/s`], ...MAX };
    await expect(serveLocal(ROUTES, taken)).rejects.toMatchObject({ code: 'agent.port-in-use' });
    await writeFile(join(folder, 'data'), 'x');
    await expect(serveLocal(ROUTES, { listen: [`unix:${folder}/data`], ...MAX })).rejects.toThrow();
  });
});
