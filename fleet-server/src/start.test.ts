import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mqtt from 'mqtt';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/ports.ts';
import { type ServerConfig, serverConfig } from './config.ts';
import { startServer } from './start.ts';
import { connectDevice, enrollDevice, until } from './testing/fake-device.ts';
import { type Body, callApi, type TestServer } from './testing/test-server.ts';

const run = promisify(execFile);
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (overrides: Partial<ServerConfig> = {}) =>
  startServer(
    serverConfig({
      data: join(folder, 'data'),
      port: 0,
      mqttPort: 0,
      logLevel: 'silent',
      ...overrides,
    }),
  );

describe('a server', () => {
  it.each(['port', 'mqttPort'] as const)(
    'says which %s is taken, and frees what it had',
    async (key) => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as { port: number };
      const refused = start({ [key]: port });
      await expect(refused).rejects.toMatchObject({ code: 'server.port-in-use', exitCode: 1 });
      await expect(refused).rejects.toThrow(`127.0.0.1:${port}`);
      other.close();
      const server = await start();
      await server.close();
    },
  );

  it('refuses to be reached from elsewhere without TLS, unless it is told to', async () => {
    await expect(start({ listen: '0.0.0.0' })).rejects.toMatchObject({
      code: 'server.insecure-listen',
    });
    expect(await readdir(folder)).toEqual([]);
    const server = await start({ listen: '0.0.0.0', insecure: true });
    await server.close();
  });

  it('refuses a data folder in use and one of something else', async () => {
    const server = await start();
    await expect(start()).rejects.toMatchObject({ code: 'server.data-in-use' });
    await server.close();
    await writeFile(join(folder, 'thesis.tex'), '');
    await expect(start({ data: folder })).rejects.toMatchObject({ code: 'server.data-foreign' });
  });

  it('shows an admin token at its first start only', async () => {
    const first = await start();
    expect(first.adminToken).toMatch(/^flt_/);
    await first.close();
    const second = await start();
    expect(second.adminToken).toBeUndefined();
    await second.close();
  });

  it('speaks HTTPS and MQTTS where it has a certificate', async () => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const pair = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await run('openssl', [...pair, ...subject, '-keyout', key, '-out', cert, '-days', '2']);
    const server = await start({ tlsCert: cert, tlsKey: key });
    const ca = await readFile(cert);
    const status = await new Promise((resolve, reject) => {
      get(`${server.url}/healthz`, { ca }, (answer) => resolve(answer.resume().statusCode)).on(
        'error',
        reject,
      );
    });
    expect(status).toBe(200);
    const login = mqtt.connectAsync(server.mqttUrl, { ca, reconnectPeriod: 0 }, false);
    await expect(login).rejects.toThrow(/not authorized/i);
    await server.close();
  });

  it('leaves what runs models to the child that builds: it takes memory for nothing here', async () => {
    const module = JSON.stringify(join(import.meta.dirname, 'start.ts'));
    const script = `await import(${module}); console.log(process.report.getReport().sharedObjects.join());`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script]);
    expect(stdout).toContain('libc');
    expect(stdout).not.toMatch(/onnxruntime|sharp|vips/);
  });

  it('names the broker that it cannot reach', async () => {
    const refused = start({ broker: 'mqtt://127.0.0.1:1' });
    await expect(refused).rejects.toMatchObject({ code: 'server.broker-offline' });
  });
});

interface Process {
  readonly child: ChildProcess;
  readonly out: () => string;
}

async function launch(port: number, mqttPort: number): Promise<Process> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'main.ts')], {
    env: {
      PATH: process.env.PATH,
      FLOTILLA_DATA: join(folder, 'data'),
      FLOTILLA_PORT: String(port),
      FLOTILLA_MQTT_PORT: String(mqttPort),
      FLOTILLA_LOG_LEVEL: 'warn',
    },
  });
  let out = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
  }
  await until(
    'the process to listen or end',
    () => /MQTT at/.test(out) || child.exitCode !== null,
    30_000,
  );
  return { child, out: () => out };
}

const end = async ({ child }: Process, signal: NodeJS.Signals) => {
  const gone = once(child, 'exit');
  child.kill(signal);
  return (await gone) as [number | null, string | null];
};

describe('the process', () => {
  it('holds what it has acknowledged through kill −9, and ends in order at SIGTERM', async () => {
    const [port, mqttPort] = [await freePort(), await freePort()];
    let server = await launch(port, mqttPort);
    const adminToken = /flt_\S+/.exec(server.out())?.[0] ?? '';
    const url = `http://127.0.0.1:${port}`;
    const call: TestServer['call'] = (method, path, body) =>
      callApi(`${url}/api/1/fleets/default${path}`, method, body, {
        authorization: `Bearer ${adminToken}`,
      });
    const api = { url, call } as TestServer;
    const enrolled: string[] = [];
    for (let round = 0; round < 3; round++) {
      let answered = 0;
      const enrolling = Array.from({ length: 20 }, async () => {
        // a connection may be one that the server before held
        const identity = await enrollDevice(api).catch(() => enrollDevice(api));
        enrolled.push(identity.device);
        if (++answered === 7) server.child.kill('SIGKILL');
      });
      const gone = once(server.child, 'exit');
      await Promise.allSettled(enrolling);
      server.child.kill('SIGKILL');
      await gone;
      server = await launch(port, mqttPort);
    }
    expect(enrolled.length).toBeGreaterThanOrEqual(7);
    const { body } = await call('GET', '/devices?limit=500');
    const known = (body.items as unknown as Body[]).map(({ device }) => device as unknown);
    expect(known).toEqual(expect.arrayContaining(enrolled));
    const device = await connectDevice(await enrollDevice(api));
    await device.sync();
    await until('desired state', () => device.desired[0]);
    await device.close();
    expect(await end(server, 'SIGTERM')).toEqual([0, null]);
    expect(server.out()).not.toContain('flt_');
  });

  it('ends with one line where its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { child, out } = await launch(port, 0);
    expect(child.exitCode).toBe(1);
    expect(out().trim().split('\n')).toHaveLength(1);
    other.close();
  });
});
