import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { type LiveState, openLive, waitMs } from './live.ts';
import type { ServerEvent } from './sse.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`;
}

function follow(url: string) {
  const events: ServerEvent[] = [];
  const states: LiveState[] = [];
  const onRefused = vi.fn();
  const headers = { authorization: 'Bearer flt_test' };
  const onEvent = (event: ServerEvent) => void events.push(event);
  const onState = (state: LiveState) => void states.push(state);
  closers.push(openLive({ url, headers, onEvent, onState, onRefused }));
  return { events, states, onRefused };
}

test('a broken stream is taken up again after the last event that was seen', async () => {
  const asked: (string | undefined)[] = [];
  const url = await serve((request, response) => {
    asked.push(request.headers['last-event-id'] as string | undefined);
    expect(request.headers.authorization).toBe('Bearer flt_test');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`id: s-${asked.length}\nevent: device\ndata: {}\n\n`);
    if (asked.length === 1) setImmediate(() => response.destroy());
  });
  const { events, states } = follow(url);
  await vi.waitFor(() => expect(events.map(({ id }) => id)).toEqual(['', 's-1', 's-2']));
  expect(events[0]?.event).toBe('reset');
  expect(asked).toEqual([undefined, 's-1']);
  expect(states).toEqual(['connecting', 'live', 'reconnecting', 'live']);
});

test('a server that refuses the token is not asked again', async () => {
  let requests = 0;
  const url = await serve((_, response) => {
    requests++;
    response.writeHead(401).end();
  });
  const { onRefused, states } = follow(url);
  await vi.waitFor(() => expect(onRefused).toHaveBeenCalledOnce());
  expect([requests, states]).toEqual([1, ['connecting']]);
});

test('waits double, stay within bounds and differ between readers', () => {
  expect([waitMs(0, 0), waitMs(0, 1), waitMs(1, 1), waitMs(30, 1)]).toEqual([
    250, 500, 1000, 15_000,
  ]);
});
