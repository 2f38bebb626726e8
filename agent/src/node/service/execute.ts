import { execFile } from 'node:child_process';
import { chmod, lchown, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FlotillaError } from '@flotilla/protocol';
import { writeFileDurably } from '@flotilla/protocol/node';
import { type Action, userOptions } from './plan.ts';

type Executors = {
  readonly [K in Action['kind']]: (action: Extract<Action, { kind: K }>) => Promise<void>;
};

const EXECUTORS: Executors = {
  makeUser: ({ user, home }) => command('useradd', ...userOptions(home), user),
  async ownFolder({ path, user }) {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await chmod(path, 0o700);
    await ownTree(path, await idsOf(user));
  },
  writeFile: ({ path, text }) => writeFileDurably(path, text),
  removeFile: ({ path }) => rm(path),
  removeFolder: ({ path }) => rm(path, { recursive: true }),
  systemctl: ({ words }) => command('systemctl', ...words),
  removeUser: ({ user }) => command('userdel', user),
};

/** @throws FlotillaError `service.command-failed` */
export async function execute(action: Action): Promise<void> {
  const run = EXECUTORS[action.kind] as (action: Action) => Promise<void>;
  await run(action);
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

async function command(program: string, ...args: readonly string[]): Promise<void> {
  await output(program, ...args);
}

/** What a program of the system says. */
async function output(program: string, ...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { env: { PATH, LC_ALL: 'C' } });
    return stdout;
  } catch (cause) {
    const { stderr = '', message = '' } = cause as { stderr?: string; message?: string };
    const reason = stderr.trim() || message;
    const words = [program, ...args].join(' ');
    throw new FlotillaError('service.command-failed', { command: words, reason }, { cause });
  }
}

interface Ids {
  readonly uid: number;
  readonly gid: number;
}

async function idsOf(user: string): Promise<Ids> {
  const [uid, gid] = [await output('id', '-u', user), await output('id', '-g', user)];
  return { uid: Number(uid), gid: Number(gid) };
}

/** Links are owned themselves and never followed: one may point anywhere. */
async function ownTree(path: string, { uid, gid }: Ids): Promise<void> {
  await lchown(path, uid, gid);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) await ownTree(below, { uid, gid });
    else await lchown(below, uid, gid);
  }
}
