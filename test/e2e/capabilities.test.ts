/** What a device says of itself arrives at the server, and people see it. */
import { totalmem } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { run } from '../support/processes.ts';
import { until } from '../support/until.ts';

let bed: Bed;
let server: Server;
let device: Device;

beforeAll(async () => {
  bed = await createBed();
  server = await bed.server();
  device = await bed.device('press', { server: server.url, token: await server.claimToken() });
});
afterAll(() => bed.close());

test('a device tells its processor, memory, disk, system and runtimes', async () => {
  const shown = await until('the device is online', async () => {
    const { stdout } = await server.cli('device', 'show', device.id);
    return stdout.includes('accepted, online') ? stdout : undefined;
  });
  expect(shown).toContain('target     x86-64\n');
  expect(shown).toMatch(/^system {5}\S.*, Linux \d/m);
  expect(shown).toMatch(/^disk {7}[\d.]+ GB free of [\d.]+ GB$/m);
  expect(shown).toMatch(/^runtimes {3}onnxruntime [\d.]+ \(cpu/m);
  const gigabytes = Number(/^memory {5}([\d.]+) GB$/m.exec(shown)?.[1]);
  expect(gigabytes).toBeGreaterThan(0);
  expect(gigabytes).toBeLessThanOrEqual(totalmem() / 1e9 + 0.1);
});

test('a device tells how it fares to those who stand before it', async () => {
  const { health } = await device.status();
  expect(Array.isArray(health.throttledBy)).toBe(true);
  expect(health.bytesWrittenLastHour).toBeLessThanOrEqual(health.bytesWritten);
  const { stdout } = await run('flotilla-agent', ['status', '--data', device.data], bed.env);
  expect(stdout).toMatch(/^ {2}device: .*[\d.]+ MB written in the last hour$/m);
});
