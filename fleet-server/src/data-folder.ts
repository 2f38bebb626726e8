import { mkdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { FlotillaError, newId } from '@flotilla/protocol';
import { syncFolder, writeFileDurably } from '@flotilla/protocol/node';
import Sqlite from 'better-sqlite3';

const MARKER = 'flotilla-server.json';
const LOCK = 'server.lock';
const HOLDER = 'server.holder.json';
const KIND = 'flotilla fleet server';
const FORMAT = 1;

/** The folder that holds all state of one server, held by one running process at a time. */
export interface DataFolder {
  readonly path: string;
  /** Of the folder, for life. */
  readonly id: string;
  file(name: string): string;
  /** A folder below it, made where it is missing. */
  folder(name: string): string;
  close(): void;
}

/**
 * Opens a server's data folder, makes it where there is none, and holds it until `close`.
 *
 * @throws FlotillaError `server.data-foreign`, `server.data-in-use`, `server.data-newer`
 */
export async function openDataFolder(path: string): Promise<DataFolder> {
  const data = resolve(path);
  await mkdir(data, { recursive: true, mode: 0o700 }).catch((cause) => {
    throw foreign(data, `it cannot be made (${cause.code})`, cause);
  });
  const known = await readMarker(data);
  if (known === undefined) await refuseOthers(data);
  const lock = takeLock(data);
  const id = known ?? (await mark(data));
  const holder = JSON.stringify({ pid: process.pid, since: new Date().toISOString() });
  await writeFileDurably(join(data, HOLDER), holder);
  await syncFolder(dirname(data));
  return {
    path: data,
    id,
    file: (name) => join(data, name),
    folder(name) {
      mkdirSync(join(data, name), { recursive: true, mode: 0o700 });
      return join(data, name);
    },
    close: () => lock.close(),
  };
}

/** The folder's id; undefined where no server has marked it. */
async function readMarker(data: string): Promise<string | undefined> {
  let text: string;
  try {
    text = await readFile(join(data, MARKER), 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw foreign(data, `${MARKER} cannot be read`, cause);
  }
  const marker = parseMarker(text);
  if (marker === undefined) throw foreign(data, `its ${MARKER} is not a fleet server's`);
  if (marker.format > FORMAT) {
    throw new FlotillaError('server.data-newer', { where: data, step: `format ${marker.format}` });
  }
  return marker.id;
}

function parseMarker(text: string): { id: string; format: number } | undefined {
  try {
    const { kind, id, format } = JSON.parse(text) as Record<string, unknown>;
    if (kind !== KIND || typeof id !== 'string' || typeof format !== 'number') return undefined;
    return { id, format };
  } catch {
    return undefined;
  }
}

/** A folder that was never marked may hold only what a start that was cut short has left. */
async function refuseOthers(data: string): Promise<void> {
  const others = (await readdir(data)).filter(
    (name) => !name.startsWith(LOCK) && name !== HOLDER && !name.startsWith(`.${MARKER}`),
  );
  if (others.length > 0) throw foreign(data, `it holds ${others[0]} and no ${MARKER}`);
}

async function mark(data: string): Promise<string> {
  const id = newId();
  await writeFileDurably(join(data, MARKER), JSON.stringify({ kind: KIND, format: FORMAT, id }));
  return id;
}

/**
 * An exclusive SQLite transaction on a file of its own: the kernel drops its lock with the process,
 * so that a kill leaves nothing stale, which a file with a process id in it cannot promise.
 */
function takeLock(data: string): Sqlite.Database {
  const lock = new Sqlite(join(data, LOCK), { timeout: 0 });
  try {
    lock.pragma('journal_mode = MEMORY');
    lock.exec('begin exclusive');
    return lock;
  } catch (cause) {
    lock.close();
    throw new FlotillaError('server.data-in-use', { data, holder: holderOf(data) }, { cause });
  }
}

function holderOf(data: string): string {
  try {
    const { pid } = JSON.parse(readFileSync(join(data, HOLDER), 'utf8')) as { pid?: unknown };
    return `another server (process ${Number(pid)})`;
  } catch {
    return 'another server';
  }
}

const foreign = (data: string, reason: string, cause?: unknown) =>
  new FlotillaError('server.data-foreign', { data, reason }, { cause });
