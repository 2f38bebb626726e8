import { mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { writeFileDurably } from '@flotilla/protocol/node';
import { type Identity, isIdentity } from '../core/index.ts';
import { lockFolder } from './folder-lock.ts';

const DEVICE = 'device.json';
const ROOT = 'root.json';
const RUNNING = 'agent.json';
const FORMAT = 1;

/** Who this device is, and what its owner said at enrolment. */
export interface Enrolment {
  readonly identity: Identity;
  /** The pinned root, as text. */
  readonly root: string;
  /** Declared hardware class; empty to detect it. */
  readonly target: string;
}

/** What a running agent tells the commands on the same machine. */
export interface RunningAgent {
  readonly pid: number;
  /** `http://127.0.0.1:PORT` or `unix:PATH` */
  readonly address: string;
}

export async function makeDataFolder(data: string): Promise<void> {
  await mkdir(data, { recursive: true, mode: 0o700 });
}

/** Whether anything was ever kept there. */
export const hasDataFolder = async (data: string): Promise<boolean> =>
  (await readOptional(join(data, 'journal.json'))) !== undefined;

/** The identity is written last: with it the device is enrolled. */
export async function saveEnrolment(data: string, enrolment: Enrolment): Promise<void> {
  const { identity, root, target } = enrolment;
  await writeFileDurably(join(data, ROOT), root);
  const device = JSON.stringify({ format: FORMAT, target, identity }, undefined, 2);
  await writeFileDurably(join(data, DEVICE), device, { mode: 0o600 });
}

/** @throws FlotillaError `agent.data-corrupt`, `agent.data-newer` */
export async function findEnrolment(data: string): Promise<Enrolment | undefined> {
  const text = await readOptional(join(data, DEVICE));
  if (text === undefined) return undefined;
  const root = await readOptional(join(data, ROOT));
  if (root === undefined) throw corrupt(ROOT, 'it is missing');
  const { format, target, identity } = parse(DEVICE, text);
  if (typeof format === 'number' && format > FORMAT) {
    throw new FlotillaError('agent.data-newer', { file: DEVICE, format, known: FORMAT });
  }
  if (!isIdentity(identity)) throw corrupt(DEVICE, 'it names no device');
  return { identity, root, target: typeof target === 'string' ? target : '' };
}

/** @throws FlotillaError `agent.not-enrolled`, `agent.data-corrupt`, `agent.data-newer` */
export async function loadEnrolment(data: string): Promise<Enrolment> {
  const found = await findEnrolment(data);
  if (found === undefined) throw new FlotillaError('agent.not-enrolled', { data });
  return found;
}

export async function announceRunning(data: string, running: RunningAgent): Promise<void> {
  await writeFileDurably(join(data, RUNNING), JSON.stringify(running));
}

export async function findRunning(data: string): Promise<RunningAgent | undefined> {
  const text = await readOptional(join(data, RUNNING));
  if (text === undefined) return undefined;
  const { pid, address } = parse(RUNNING, text);
  return typeof pid === 'number' && typeof address === 'string' ? { pid, address } : undefined;
}

/**
 * Holds the folder for this agent.
 *
 * @returns lets the folder go
 * @throws FlotillaError `agent.in-use`
 */
export async function lockData(data: string): Promise<() => Promise<void>> {
  const unlock = await lockFolder(data, 'agent');
  if (unlock !== undefined) return unlock;
  const pid = (await findRunning(data))?.pid ?? 0;
  throw new FlotillaError('agent.in-use', { data: resolve(data), pid });
}

function parse(file: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw corrupt(file, 'it is not JSON', cause);
  }
  throw corrupt(file, 'it is not a JSON object');
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

const corrupt = (file: string, reason: string, cause?: unknown) =>
  new FlotillaError('agent.data-corrupt', { file, reason }, { cause });
