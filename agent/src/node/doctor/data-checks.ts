import { randomBytes } from 'node:crypto';
import { open, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isFlotillaError } from '@flotilla/protocol';
import { syncFolder } from '@flotilla/protocol/node';
import { hasDataFolder } from '../data-folder.ts';
import { keyPath, loadKey } from '../device-key.ts';
import { type Check, type Finding, fail, gigabytes, ok, type Patient, warn } from './check.ts';

/** Less than a bundle and the one before it need. */
const SMALL_DISK_BYTES = 500e6;
const TINY_DISK_BYTES = 50e6;
/** A card that takes longer for one small write will delay every step of a deployment. */
const SLOW_SYNC_MS = 500;

export const DATA_CHECKS: readonly Check[] = [
  { name: 'data', run: checkFolder },
  { name: 'disk', run: checkDisk },
  { name: 'enrolment', run: checkEnrolment },
];

async function checkFolder({ data }: Patient): Promise<Finding> {
  const folder = resolve(data);
  const found = await stat(folder).catch(() => undefined);
  if (found === undefined) {
    return warn(`${folder} does not exist yet`, `flotilla-agent enroll --data ${data} makes it`);
  }
  try {
    const tookMs = await writeOnce(folder);
    const what = `${folder}, writable, fsync takes ${tookMs.toFixed(1)} ms`;
    if (tookMs < SLOW_SYNC_MS) return ok(what);
    return warn(what, 'use a faster card or disk: each step of a deployment waits for several');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const remedy = 'run the doctor as the user of the agent, or mount the folder writable';
    return fail(`${folder} cannot be written: ${reason}`, remedy);
  }
}

/** Writes, syncs and removes a small file; milliseconds that it took. */
async function writeOnce(folder: string): Promise<number> {
  const path = join(folder, `.doctor-${randomBytes(6).toString('hex')}`);
  const began = performance.now();
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(new Uint8Array(4096));
    await file.sync();
    await syncFolder(folder);
    return performance.now() - began;
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}

/** Of a folder that does not exist yet, the disk of the nearest one that does. */
async function checkDisk({ data }: Patient): Promise<Finding> {
  let at = resolve(data);
  while (dirname(at) !== at && (await stat(at).catch(() => undefined)) === undefined) {
    at = dirname(at);
  }
  const { bavail, blocks, bsize } = await statfs(at);
  const free = bavail * bsize;
  const what = `${gigabytes(free)} free of ${gigabytes(blocks * bsize)}`;
  const remedy = 'remove what is not needed, or move --data to a larger disk';
  if (free < TINY_DISK_BYTES) return fail(what, remedy);
  return free < SMALL_DISK_BYTES ? warn(what, remedy) : ok(what);
}

async function checkEnrolment({ data, enrolment, damage }: Patient): Promise<Finding> {
  if (damage !== undefined) return fail(damage, 'enroll this device anew in an empty folder');
  if (enrolment === undefined) {
    if (await hasDataFolder(data)) return ok('in no fleet: it serves what is loaded by hand');
    const remedy = `flotilla-agent enroll --server URL --token TOKEN --data ${data}`;
    return warn('this device is in no fleet', remedy);
  }
  const { fleet, device, api } = enrolment.identity;
  try {
    await loadKey(data);
  } catch (error) {
    const missing = isFlotillaError(error, 'agent.not-enrolled');
    return fail(
      `device ${device} of fleet ${fleet}, and its key ${missing ? 'is missing' : 'is damaged'}`,
      'enroll this device anew in an empty folder',
    );
  }
  const what = `device ${device} of fleet ${fleet} at ${api}`;
  const { mode } = await stat(keyPath(data));
  if ((mode & 0o077) === 0) return ok(`${what}, key present`);
  return fail(`${what}, and others may read its key`, `chmod 600 ${resolve(keyPath(data))}`);
}
