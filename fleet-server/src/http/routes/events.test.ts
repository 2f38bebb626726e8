import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createChanges } from '../../changes.ts';
import { type OpenDatabase, openDatabase } from '../../db/open.ts';
import { createUserToken, deleteUserToken } from '../../trust/user-tokens.ts';
import { createHttp } from '../http.ts';
import { type HttpListener, listenHttp } from '../listener.ts';
import { eventRoutes } from './events.ts';

let folder: string;
let database: OpenDatabase;
let listener: HttpListener;
let http: FastifyInstance;
const changes = createChanges('here');
const parts = () => ({ ...database, now: Date.now, log: pino({ level: 'silent' }), changes });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-events-'));
  database = await openDatabase({ kind: 'sqlite', file: join(folder, 'fleet.db') });
  listener = await listenHttp({ host: '127.0.0.1', port: 0 });
  http = await createHttp(parts(), listener, [eventRoutes(parts(), 30)]);
});
afterEach(async () => {
  await http.close();
  await listener.close();
  await database.close();
  await rm(folder, { recursive: true });
});

const makeToken = (fleet: string) =>
  createUserToken(parts(), 'test', { fleet, label: 'reader', role: 'viewer', validMs: 0 });

const open = (fleet: string, secret: string) =>
  fetch(`${listener.url}/api/1/fleets/${fleet}/events`, {
    headers: { authorization: `Bearer ${secret}` },
  });

it('end when the token of their reader is deleted', async () => {
  const { row, secret } = await makeToken('lyon');
  const response = await open('lyon', secret);
  expect(response.status).toBe(200);
  let text = '';
  const reading = (async () => {
    for await (const chunk of response.body!) {
      text += Buffer.from(chunk).toString();
      if (text.includes(': alive')) await deleteUserToken(parts(), 'test', 'lyon', row.token);
    }
  })().catch(() => undefined);
  await reading;
  expect((await open('lyon', secret)).status).toBe(401);
});

it('tell nothing of other fleets', async () => {
  const { secret } = await makeToken('lyon');
  const response = await open('lyon', secret);
  const reader = response.body!.getReader();
  changes.emit({ topic: 'device', fleet: 'nice', id: 'foreign' });
  changes.emit({ topic: 'device', fleet: 'lyon', id: 'own' });
  let text = '';
  while (!text.includes('own')) text += Buffer.from((await reader.read()).value!).toString();
  expect(text).not.toContain('foreign');
  await reader.cancel();
  expect((await open('nice', secret)).status).toBe(403);
});
