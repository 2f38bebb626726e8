import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type Server as Listener } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Bed, createBed, type Server } from '../support/fleet.ts';
import { expectOneLine } from '../support/one-line.ts';
import { freePort } from '../support/ports.ts';
import { run } from '../support/processes.ts';
import { treeOf } from '../support/tree.ts';

/** A machine under load starts processes slowly. */
vi.setConfig({ testTimeout: 120_000 });

let bed: Bed;
let server: Server;
let busy: Listener;
let busyPort: number;

beforeAll(async () => {
  bed = await createBed();
  server = await bed.server();
  busyPort = await freePort();
  busy = createServer().listen(busyPort, '127.0.0.1');
});
afterAll(async () => {
  busy.close();
  await bed.close();
});

const at = (name: string) => join(bed.folder, name);
const flotilla = (...args: string[]) => run('flotilla', args, bed.env);
const agent = (...args: string[]) => run('flotilla-agent', args, bed.env);
const enroll = (token: string, data: string, ...args: string[]) =>
  agent('enroll', '--server', server.url, '--token', token, '--data', at(data), ...args);

describe('enrolment', () => {
  test('refuses a claim token that was used as often as it may be, and leaves no folder', async () => {
    const token = await server.claimToken(1);
    expect((await enroll(token, 'first')).code).toBe(0);
    expectOneLine(
      await enroll(token, 'second'),
      /refused this device .*: ask for a new claim token/,
      1,
    );
    expect(await treeOf(at('second'))).toBeUndefined();
    const { items } = await server.api.get<{ items: unknown[] }>('/devices');
    expect(items.length).toBe(1);
  });

  test('leaves a folder as it was where the token is none', async () => {
    await mkdir(at('mine'));
    await writeFile(join(at('mine'), 'notes.txt'), 'mine');
    const before = await treeOf(at('mine'));
    expectOneLine(await enroll('clm_nonsense', 'mine'), /refused this device/, 1);
    expect(await treeOf(at('mine'))).toEqual(before);
  });

  test('keeps the identity of a device that is enrolled already', async () => {
    expect((await enroll(await server.claimToken(), 'enrolled')).code).toBe(0);
    const before = await treeOf(at('enrolled'));
    const again = await enroll(await server.claimToken(), 'enrolled');
    expectOneLine(again, /enrolled holds device \w{26} already: choose another --data/, 2);
    expect(await treeOf(at('enrolled'))).toEqual(before);
  });

  test.for([
    {
      what: 'an unknown target',
      args: ['--target', 'toaster'],
      says: /toaster is unknown; known are/,
    },
    { what: 'a tag without a value', args: ['--tag', 'site'], says: /--tag takes KEY=VALUE/ },
    {
      what: 'a server that is no address',
      args: ['--server', 'here'],
      says: /--server takes an address/,
    },
    { what: 'an option that there is not', args: ['--tokn', 'x'], says: /--tokn/ },
  ])('refuses $what before anything is written', async ({ args, says }) => {
    expectOneLine(await enroll('clm_any', 'never', ...args), says, 2);
    expect(await treeOf(at('never'))).toBeUndefined();
  });

  test('names a server that does not answer', async () => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const ended = await agent(
      'enroll',
      '--server',
      nobody,
      '--token',
      'clm_x',
      '--data',
      at('alone'),
    );
    expectOneLine(ended, /does not answer .*: check the address and the network/, 1);
  });
});

describe('an agent', () => {
  test('does not run on a folder that holds no device', async () => {
    expectOneLine(await agent('run', '--data', at('nobody')), /holds no enrolled device: run/, 2);
    expect(await treeOf(at('nobody'))).toBeUndefined();
  });

  test('names an inference port that is in use, and starts on another one', async () => {
    const device = await bed.device('porter', {
      server: server.url,
      token: await server.claimToken(),
    });
    await device.stop();
    const ended = await agent(
      'run',
      '--data',
      device.data,
      '--http',
      `127.0.0.1:${busyPort}`,
      '--log',
      'silent',
    );
    expectOneLine(ended, new RegExp(`127.0.0.1:${busyPort} is in use: choose another`), 2);
    await device.restart();
    expect((await device.status()).slots).toEqual([]);
  });

  test('leaves a folder to the agent that runs on it', async () => {
    const device = await bed.device('owner', {
      server: server.url,
      token: await server.claimToken(),
    });
    const second = await agent('run', '--data', device.data, '--http', '127.0.0.1:0');
    expectOneLine(second, /owner is in use by process \d+: stop that agent first/, 2);
    expect((await device.status()).slots).toEqual([]);
  });
});

describe('a server', () => {
  const serve = async (data: string, ...args: string[]) =>
    flotilla(
      'serve',
      '--data',
      at(data),
      '--port',
      '0',
      '--mqtt-port',
      '0',
      '--log-level',
      'silent',
      ...args,
    );

  test('names an HTTP port that is in use, and writes nothing', async () => {
    const ended = await serve('http-busy', '--port', `${busyPort}`);
    expectOneLine(
      ended,
      new RegExp(`cannot listen on 127.0.0.1:${busyPort}: .*give another port`),
      1,
    );
    expect(await treeOf(at('http-busy'))).toBeUndefined();
  });

  test('names an MQTT port that is in use, and starts anew where it stopped', async () => {
    const ended = await serve('mqtt-busy', '--mqtt-port', `${busyPort}`);
    expectOneLine(
      ended,
      new RegExp(`cannot listen on 127.0.0.1:${busyPort}: .*give another port`),
      1,
    );
    const started = await bed.server({ data: 'mqtt-busy' });
    expect(started.adminToken).toMatch(/^flt_/);
    await started.stop();
  });

  test('leaves a data folder to the server that runs on it', async () => {
    expectOneLine(
      await serve('server'),
      /server is in use by another server \(process \d+\): stop it first/,
      1,
    );
    expect(await server.api.get('/devices')).toMatchObject({ items: expect.any(Array) });
  });

  test.for([
    {
      what: 'of something else',
      file: 'thesis.tex',
      content: 'x',
      says: /it holds thesis\.tex .*give another --data/,
      code: 2 as const,
    },
    {
      what: 'of another kind of server',
      file: 'flotilla-server.json',
      content: '{"kind":"x","id":"y","format":1}',
      says: /is not a fleet server's; give another --data/,
      code: 2 as const,
    },
    {
      what: 'of a newer server',
      file: 'flotilla-server.json',
      content: '{"kind":"flotilla fleet server","id":"y","format":99}',
      says: /written by a newer Flotilla .*: start that version/,
      code: 1 as const,
    },
  ])('leaves a data folder $what as it was', async ({ file, content, says, code }) => {
    const data = `foreign-${code}-${content.length}`;
    await mkdir(at(data));
    await writeFile(join(at(data), file), content);
    const before = await treeOf(at(data));
    expectOneLine(await serve(data), says, code);
    expect(await treeOf(at(data))).toEqual(before);
  });

  test.for([
    {
      what: 'to listen beyond this machine without TLS',
      args: ['--listen', '0.0.0.0'],
      says: /without TLS: give --tls-cert/,
      code: 2 as const,
    },
    { what: 'a port that is none', args: ['--port', '80800'], says: /80800/, code: 2 as const },
    {
      what: 'a fleet name that is none',
      args: ['--fleet', 'My Fleet'],
      says: /fleet/,
      code: 2 as const,
    },
    {
      what: 'an option that there is not',
      args: ['--prot', '1'],
      says: /unknown option '--prot'/,
      code: 2 as const,
    },
  ])('refuses $what before anything is written', async ({ args, says, code }) => {
    expectOneLine(await serve('never', ...args), says, code);
    expect(await treeOf(at('never'))).toBeUndefined();
  });

  test('names a broker that does not answer', async () => {
    const broker = `mqtt://127.0.0.1:${await freePort()}`;
    expectOneLine(
      await serve('brokerless', '--broker', broker),
      /broker .* cannot be reached: check/,
      1,
    );
  });

  test('names a database that does not answer', async () => {
    const database = `postgres://127.0.0.1:${await freePort()}/flotilla`;
    expectOneLine(
      await serve('baseless', '--database', database),
      /database .* cannot be opened/,
      1,
    );
  });
});
