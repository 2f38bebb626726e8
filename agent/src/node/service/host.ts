import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { findEnrolment } from '../data-folder.ts';
import { readJetpack } from '../device/jetson.ts';
import { systemFiles } from '../device/system-files.ts';
import type { FolderKind, Host, InstallOptions } from './plan.ts';
import { DEVICE_GROUPS, UNIT_DIR } from './unit.ts';

/** Looks at the system that the agent is to be installed on. */
export async function lookAtHost({ data, user, unitDir }: InstallOptions): Promise<Host> {
  const program = await ownProgram();
  const groups = await Promise.all(DEVICE_GROUPS.map((group) => isKnown('group', group)));
  const jetpack = await readJetpack(systemFiles());
  return {
    managed: isManaged(unitDir),
    userExists: await isKnown('passwd', user),
    groups: DEVICE_GROUPS.filter((_, i) => groups[i]),
    folder: await folderKind(data),
    enrolled: (await findEnrolment(data)) !== undefined,
    jetson: jetpack !== '',
    program,
    hidden: await hiddenFolder(program.at(-1) ?? ''),
  };
}

/** Whether systemd is what started this system (sd_booted(3)), and the unit is for it. */
export const isManaged = (unitDir: string): boolean =>
  resolve(unitDir) === UNIT_DIR && existsSync('/run/systemd/system');

/** The starter of a package, or Node with the main module. */
async function ownProgram(): Promise<string[]> {
  const main = await realpath(process.argv[1] ?? '');
  const starter = join(dirname(main), '..', 'flotilla-agent');
  return existsSync(starter) ? [starter] : [process.execPath, main];
}

function isKnown(database: 'passwd' | 'group', name: string): Promise<boolean> {
  return new Promise((done) => {
    execFile('getent', [database, name], (error) => done(error === null));
  });
}

/** Files by which a data folder of an agent is known. */
const OURS = ['device.json', 'device-key.json', 'journal.json', 'root.json'];

export async function folderKind(path: string): Promise<FolderKind> {
  const names = await readdir(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (names === undefined) return 'missing';
  if (names.length === 0) return 'empty';
  return names.some((name) => OURS.includes(name)) ? 'ours' : 'foreign';
}

const OTHERS_MAY_ENTER = 0o001;

async function hiddenFolder(file: string): Promise<string | undefined> {
  for (let at = dirname(file); ; at = dirname(at)) {
    if (((await stat(at)).mode & OTHERS_MAY_ENTER) === 0) return at;
    if (dirname(at) === at) return undefined;
  }
}

/** Whether this is the user that an installation on that folder made. */
export function isOwnUser(user: string, data: string): Promise<boolean> {
  return new Promise((done) => {
    execFile('getent', ['passwd', user], (error, stdout) => {
      const [, , uid, , , home] = stdout.trim().split(':');
      done(error === null && Number(uid) > 0 && Number(uid) < 1000 && home === data);
    });
  });
}
