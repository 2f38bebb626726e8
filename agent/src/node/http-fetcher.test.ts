import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpFetcher } from './http-fetcher.ts';

let server: Server;
let url: string;
let answer: (response: ServerResponse) => void;

beforeEach(async () => {
  server = createServer((_request, response) => answer(response));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function take(body: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of body) text += Buffer.from(chunk).toString();
  return text;
}

describe('HTTP fetcher', () => {
  test('gives status, headers and body', async () => {
    answer = (response) => response.writeHead(206, { 'content-range': 'bytes 0-1/2' }).end('ab');
    const response = await createHttpFetcher().get(url);
    expect(response.status).toBe(206);
    expect(response.header('content-range')).toBe('bytes 0-1/2');
    expect(await take(response.body)).toBe('ab');
  });

  test('gives up on a server that says nothing, before the head and within the body', async () => {
    const fetcher = createHttpFetcher(50);
    answer = () => undefined;
    await expect(fetcher.get(url)).rejects.toMatchObject({ code: 'agent.unreachable' });
    answer = (response) => response.writeHead(200).write('a');
    const response = await fetcher.get(url);
    await expect(take(response.body)).rejects.toMatchObject({ code: 'agent.unreachable' });
  });

  test('names a server that is not there, and a body that broke off', async () => {
    const fetcher = createHttpFetcher();
    const away = fetcher.get('http://127.0.0.1:1/');
    await expect(away).rejects.toMatchObject({ code: 'agent.unreachable' });
    answer = (response) => {
      response.writeHead(200, { 'content-length': 100 }).write('a', () => response.destroy());
    };
    const response = await fetcher.get(url);
    await expect(take(response.body)).rejects.toMatchObject({ code: 'agent.unreachable' });
  });

  test('follows redirects, with the log-in only to where it is for, and not for ever', async () => {
    const seen: unknown[] = [];
    const other = createServer((request, response) => {
      seen.push(request.headers.authorization);
      response.end('there');
    });
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const elsewhere = `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
    const options = { headers: { authorization: 'Bearer x' } };
    answer = (response) => response.writeHead(307, { location: elsewhere }).end();
    const response = await createHttpFetcher().get(url, options);
    expect(await take(response.body)).toBe('there');
    expect(seen).toEqual([undefined]);
    answer = (response) => response.writeHead(302, { location: '/again' }).end();
    await expect(createHttpFetcher().get(url)).rejects.toThrow(/redirects/);
    other.closeAllConnections();
    other.close();
  });
});
