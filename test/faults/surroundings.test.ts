/** Devices whose surroundings are against them: a clock that jumps, a root that is read-only. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { infer } from '../support/feeder.ts';
import { type Bed, createBed, type Device, type Server } from '../support/fleet.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { rollOut, untilEnded } from '../support/rollouts.ts';
import { skipOrFail } from '../support/skip.ts';
import { until } from '../support/until.ts';

let bed: Bed;
let server: Server;
let parts: Parts;

beforeAll(async () => {
  parts = await loadParts();
  bed = await createBed();
  server = await bed.server();
  const pushed = await server.cli('model', 'push', parts.bundles(1), '--name', 'parts');
  expect(pushed).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => bed.close());

/** Rolls the model out to a device that has just come. */
async function deploy(device: Device): Promise<void> {
  const rollout = await rollOut(server.api, 1, { devices: `name=${device.name}` });
  expect(await untilEnded(server.api, rollout, 60_000)).toMatchObject({ state: 'done' });
  await until('the model serves', async () => (await device.status()).slots[0]?.ready);
}

async function inferMany(device: Device, count: number): Promise<void> {
  const image = parts.clean[0]?.bytes ?? new Uint8Array();
  for (let i = 0; i < count; i++) await infer(device.url, 'parts', image);
}

interface Series {
  readonly series: readonly { readonly startMs: number; readonly inferences: number }[];
}

const YEAR_MS = 365 * 86_400_000;

/** Shifts the wall clock of a process back by a year; each SIGUSR2 sets it forward by two. */
const SHIFT = `
const real = Date.now;
let shift = -${YEAR_MS};
Date.now = () => real() + shift;
globalThis.Date = new Proxy(Date, {
  construct: (target, given) => new target(...(given.length > 0 ? given : [target.now()])),
});
process.on('SIGUSR2', () => { shift += 2 * ${YEAR_MS}; });
`;

test('a clock that is a year behind, then a year ahead, keeps no device away and no window', {
  timeout: 180_000,
}, async () => {
  const shift = join(bed.folder, 'shift.mjs');
  await writeFile(shift, SHIFT);
  const device = await bed.device('shifted', {
    server: server.url,
    token: await server.claimToken(),
    env: { NODE_OPTIONS: `--import=${shift}` },
  });
  await until('the device logs in', async () => (await device.status()).online);
  await deploy(device);
  await inferMany(device, 10);
  process.kill(device.pid, 'SIGUSR2');
  await inferMany(device, 10);
  process.kill(device.pid, 'SIGUSR2');
  const seen = await until('every inference is told of', async () => {
    const { series } = await server.api.get<Series>(`/devices/${device.id}/telemetry`);
    return series.reduce((sum, { inferences }) => sum + inferences, 0) === 20 && series;
  });
  for (const { startMs } of seen) expect(Math.abs(Date.now() - startMs)).toBeLessThan(300_000);
  expect(await device.status()).toMatchObject({
    online: true,
    outbox: { pending: 0, dropped: 0, rejected: 0 },
  });
  await server.kill9();
  await server.restart();
  await until('the device logs in again', async () => (await device.status()).online);
});

/** Everything but the data folder is mounted read-only, in a namespace of the agent's own. */
const READ_ONLY = `
data=$1; shift
mount --make-rprivate /
mount --bind "$data" "$data"
for at in / /tmp /var /var/tmp /run /home /dev/shm; do
  if mountpoint -q "$at"; then mount -o remount,bind,ro "$at"; fi
done
if touch /tmp/writable 2>/dev/null; then echo "/tmp can be written" >&2; exit 1; fi
exec "$@"`;

function mayMount(): boolean {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/unshare')) return false;
  try {
    execFileSync('unshare', ['-m', 'mount', '--make-rprivate', '/'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const able = mayMount();
if (!able) skipOrFail('the agent on a read-only root', 'this user may not mount');

test.runIf(able)(
  'a root that is read-only is no hindrance: all state is in the data folder',
  {
    timeout: 180_000,
  },
  async () => {
    const device = await bed.device('sealed', {
      server: server.url,
      token: await server.claimToken(),
      wrapper: (data) => ['unshare', '-m', 'sh', '-ec', READ_ONLY, 'sh', data],
    });
    await deploy(device);
    await inferMany(device, 3);
    const { capabilities } = await server.api.get<{ capabilities: { readOnlyRoot?: boolean } }>(
      `/devices/${device.id}`,
    );
    expect(capabilities.readOnlyRoot).toBe(true);
  },
);
