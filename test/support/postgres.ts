import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePort } from './ports.ts';
import { skipOrFail } from './skip.ts';

const run = promisify(execFile);
/** Debian's postgresql-15 and its neighbors. */
const VERSIONS = [17, 16, 15, 14];

/** A private cluster on a loopback port, gone with `stop`. */
export interface Postgres {
  /** URL of a new empty database. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts a cluster in a temporary folder, or says why not and answers undefined. */
export async function startPostgres(): Promise<Postgres | undefined> {
  const bin = VERSIONS.map((v) => `/usr/lib/postgresql/${v}/bin`).find((dir) => existsSync(dir));
  if (bin === undefined) return skipOrFail('PostgreSQL', 'no server under /usr/lib/postgresql');
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-pg-'));
  const user = process.getuid?.() === 0 ? 'postgres' : undefined;
  if (user !== undefined) await run('chown', [user, folder]);
  else await chmod(folder, 0o700);
  const data = join(folder, 'data');
  const initdb = as(user, [`${bin}/initdb`, '-D', data, '-U', 'flotilla', '-A', 'trust', '-N']);
  await run(initdb.file, [...initdb.args, '-E', 'UTF8', '--locale=C.UTF-8'], { cwd: '/' });
  const port = await freePort();
  const options = ['-h', '127.0.0.1', '-p', String(port), '-k', folder, '-F'];
  const server = as(user, [`${bin}/postgres`, '-D', data, ...options]);
  const child = spawn(server.file, server.args, { stdio: 'ignore', cwd: '/' });
  const url = `postgres://flotilla@127.0.0.1:${port}`;
  await untilReady(`${url}/postgres`, child);
  return cluster(url, child, folder);
}

/** The server refuses to run as root, so root runs it as the user that Debian's package made. */
function as(user: string | undefined, command: string[]): { file: string; args: string[] } {
  const [file = '', ...args] = command;
  if (user === undefined) return { file, args };
  return {
    file: 'setpriv',
    args: [`--reuid=${user}`, `--regid=${user}`, '--init-groups', ...command],
  };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  for (const giveUp = Date.now() + 30_000; ; ) {
    const client = new pg.Client(url);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      await client.end().catch(() => undefined);
      if (child.exitCode !== null || Date.now() > giveUp) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function cluster(url: string, child: ChildProcess, folder: string): Postgres {
  let made = 0;
  return {
    async createDatabase() {
      const name = `test_${++made}`;
      const client = new pg.Client(`${url}/postgres`);
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return `${url}/${name}`;
    },
    async stop() {
      const gone = once(child, 'exit');
      child.kill('SIGINT');
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
