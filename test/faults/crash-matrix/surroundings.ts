import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import type { Device } from './device.ts';
import type { Hit } from './hit.ts';
import { restarted, withMissing } from './kills.ts';

/** Bytes of a response after which its connection breaks. */
const BROKEN_AFTER = 60_000;

/** The server vanishes in the middle of a download; the agent dies and comes back without it. */
export async function loseServer(device: Device, times: number): Promise<Hit[]> {
  const { server } = device;
  const hits: Hit[] = [];
  for (let hit = 0; hit < times; hit++) {
    await breakDownload(device);
    server.away = true;
    server.drop();
    await device.process.kill();
    hits.push(await restarted(device, 'server gone, kill −9 in a download'));
    server.away = false;
    server.breakAfter = 0;
    await device.settle();
  }
  return withMissing(hits, await device.missing());
}

/** Every response breaks off; the agent dies in between and goes on where the bytes end. */
export async function truncateDownload(device: Device, times: number): Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let hit = 0; hit < times; hit++) {
    await breakDownload(device);
    await device.process.kill();
    hits.push(await restarted(device, 'download cut off again and again, kill −9'));
    await device.settle();
    device.server.breakAfter = 0;
  }
  return withMissing(hits, await device.missing());
}

async function breakDownload(device: Device): Promise<void> {
  const { server } = device;
  const before = server.ranges.length;
  server.breakAfter = BROKEN_AFTER;
  device.orders.swing();
  await until('a download that is resumed', () => server.ranges.length > before);
}

/** A byte of each blob is another one: the attempt fails, and the next one gets the right bytes. */
export async function alterDownload(device: Device, times: number): Promise<Hit[]> {
  const { server } = device;
  const hits: Hit[] = [];
  for (let hit = 0; hit < times; hit++) {
    server.altering = true;
    device.orders.swing();
    const code = await until('the end of the attempt', () => device.orders.outcome()?.code);
    if (code !== 'bundle.digest-mismatch') throw new Error(`altered bytes ended with ${code}`);
    await device.process.kill();
    hits.push(await restarted(device, 'altered download, kill −9'));
    server.altering = false;
    await device.settle();
  }
  return withMissing(hits, await device.missing());
}

const YEAR_MS = 365 * 86_400_000;

/** Sets the wall clock of a process back by a year. */
const SHIFT = `
const real = Date.now;
Date.now = () => real() - ${YEAR_MS};
globalThis.Date = new Proxy(Date, {
  construct: (target, given) => new target(...(given.length > 0 ? given : [target.now()])),
});
`;

/** The clock is a year behind after the kill: the device serves, and logs in all the same. */
export async function setClockBack(device: Device, times: number): Promise<Hit[]> {
  const shift = join(device.data, '../shift.mjs');
  await writeFile(shift, SHIFT);
  const hits: Hit[] = [];
  for (let hit = 0; hit < times; hit++) {
    device.orders.swing();
    const before = device.server.fleet.state?.connectSeq ?? 0;
    await device.process.kill();
    device.process.start({ NODE_OPTIONS: `--import=${shift}` });
    const answered = await device.answered();
    hits.push({ where: 'clock set back a year, kill −9', ...answered, lost: 0 });
    await until('a log-in', () => {
      const { online = false, connectSeq = 0 } = device.server.fleet.state ?? {};
      return online && connectSeq > before;
    });
    await device.settle();
  }
  return withMissing(hits, await device.missing());
}

/** Bytes that are left on the disk when the next model is wanted: it is full at another write. */
const LEFT = [0, 8_192, 65_536, 262_144, 400_000] as const;
/** The agent meets the full disk, and does not end. */
const MEETS_MS = 700;

/** The file system is full: the agent serves, dies, starts, and takes the model once there is room. */
export async function fillFileSystem(
  device: Device,
  times: number,
  fill: (leave: number) => Promise<void>,
  empty: () => Promise<void>,
): Promise<Hit[]> {
  const hits: Hit[] = [];
  for (let hit = 0; hit < times; hit++) {
    await fill(LEFT[hit % LEFT.length] ?? 0);
    device.orders.swing();
    await sleep(MEETS_MS);
    await device.process.kill();
    hits.push(await restarted(device, 'file system full, kill −9'));
    await empty();
    await device.settle();
  }
  return withMissing(hits, await device.missing());
}
