/** The agent under a service manager: what systemd hears from it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { type NotifySocket, openNotifySocket } from '../support/notify-socket.ts';
import { start } from '../support/processes.ts';
import { skipOrFail } from '../support/skip.ts';
import { until } from '../support/until.ts';

const able = ['/usr/bin/systemd-notify', '/usr/bin/python3'].every((path) => existsSync(path));
if (!able) skipOrFail('the agent under systemd', 'systemd-notify or python3 is not installed');

let bed: Bed;
let server: Server;
let device: Device;
let socket: NotifySocket;

beforeAll(async () => {
  bed = await createBed();
  server = await bed.server();
  device = await bed.device('press', { server: server.url, token: await server.claimToken() });
  await device.stop();
  if (able) socket = await openNotifySocket(join(bed.folder, 'notify'));
});
afterAll(async () => {
  await socket?.close();
  await bed.close();
});

test.runIf(able)('the agent tells when it is ready, that it lives, and that it ends', async () => {
  const env = { ...bed.env, NOTIFY_SOCKET: join(bed.folder, 'notify'), WATCHDOG_USEC: '400000' };
  const args = ['launch', '--data', device.data, '--http', '127.0.0.1:0', '--json'];
  const running = start('flotilla-agent', args, env);
  await running.line((line) => line.startsWith('{'));
  const online = await until('the agent tells that it is connected', () =>
    socket.heard.find(({ STATUS = '' }) => STATUS.startsWith('connected')),
  );
  expect(online).toMatchObject({ READY: '1', WATCHDOG: '1' });
  expect(online.STATUS).toBe('connected, 0 of 0 slots ready');
  const soFar = socket.heard.length;
  await until('signs of life go on', () => socket.heard.length > soFar + 2);
  expect(socket.heard.some((message) => 'STOPPING' in message)).toBe(false);
  expect(await running.stop()).toMatchObject({ code: 0 });
  const said = socket.heard.filter((message) => !('BARRIER' in message));
  expect(said.at(-1)).toMatchObject({ STOPPING: '1' });
});
