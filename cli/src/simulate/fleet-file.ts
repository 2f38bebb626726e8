import { mkdir, readFile, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { lockFolder } from '@flotilla/agent/folder-lock';
import { FlotillaError } from '@flotilla/protocol';
import { writeFileDurably } from '@flotilla/protocol/node';
import type { DeviceState } from './state.ts';

const FORMAT = 1;

/** A simulated fleet on the disk, so that the same devices come back in the next run. */
export interface FleetFile {
  readonly server: string;
  readonly fleet: string;
  readonly devices: readonly DeviceState[];
}

const fileIn = (folder: string): string => join(folder, 'simulated-fleet.json');

/**
 * Holds the folder for this simulation: another with the same devices would take their connections.
 *
 * @returns lets the folder go
 * @throws FlotillaError `simulate.data` where another process holds it, or it cannot be written
 */
export async function holdFleetFile(folder: string): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  const holder = join(folder, 'simulation.pid');
  const unlock = await lockFolder(folder, 'simulation');
  const wrong = (reason: string) =>
    new FlotillaError('simulate.data', { folder: resolve(folder), reason });
  if (unlock === undefined) {
    const pid = await readFile(holder, 'utf8').catch(() => '');
    throw wrong(pid === '' ? 'another process uses it' : `it is in use by process ${pid}`);
  }
  try {
    await writeFileDurably(holder, `${process.pid}`);
  } catch (error) {
    await unlock();
    throw wrong(error instanceof Error ? error.message : `${error}`);
  }
  return async () => {
    await rm(holder, { force: true }).finally(unlock);
  };
}

/**
 * The fleet in that folder; undefined where there is none yet.
 *
 * @throws FlotillaError `simulate.data` where it is of another server or fleet, or cannot be read
 */
export async function readFleetFile(
  folder: string,
  { server, fleet }: Pick<FleetFile, 'server' | 'fleet'>,
): Promise<readonly DeviceState[] | undefined> {
  const wrong = (reason: string) =>
    new FlotillaError('simulate.data', { folder: resolve(folder), reason });
  const text = await readFile(fileIn(folder), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw wrong(error.message);
  });
  if (text === undefined) return undefined;
  const file = parse(text);
  if (file?.format !== FORMAT) throw wrong('it holds no simulated fleet of this release');
  if (file.server !== server || file.fleet !== fleet) {
    throw wrong(`its devices belong to fleet ${file.fleet} of ${file.server}`);
  }
  return file.devices;
}

function parse(text: string): (FleetFile & { readonly format: number }) | undefined {
  try {
    return JSON.parse(text) as FleetFile & { readonly format: number };
  } catch {
    return undefined;
  }
}

/** Holds the private keys of the devices: only their owner may read it. */
export async function writeFleetFile(folder: string, file: FleetFile): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFileDurably(fileIn(folder), JSON.stringify({ format: FORMAT, ...file }), {
    mode: 0o600,
  });
}
