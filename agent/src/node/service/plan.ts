import { join } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import { readUnit, UNIT_NAME, unitText } from './unit.ts';

/** What is done to the system, one after the other. */
export type Action =
  | { readonly kind: 'makeUser'; readonly user: string; readonly home: string }
  | { readonly kind: 'ownFolder'; readonly path: string; readonly user: string }
  | { readonly kind: 'writeFile'; readonly path: string; readonly text: string }
  | { readonly kind: 'removeFile'; readonly path: string }
  | { readonly kind: 'removeFolder'; readonly path: string }
  | { readonly kind: 'systemctl'; readonly words: readonly string[] }
  | { readonly kind: 'removeUser'; readonly user: string };

export interface InstallOptions {
  readonly data: string;
  readonly user: string;
  readonly unitDir: string;
}

/** What the system is like. */
export interface Host {
  /** systemd runs, and reads the folder that the unit goes into. */
  readonly managed: boolean;
  readonly userExists: boolean;
  /** Those of `DEVICE_GROUPS` that exist. */
  readonly groups: readonly string[];
  readonly folder: FolderKind;
  readonly enrolled: boolean;
  readonly jetson: boolean;
  readonly program: readonly string[];
  /** A folder on the way to the program that other users may not enter. */
  readonly hidden: string | undefined;
}

/** `foreign`: it holds files, and none of an agent. */
export type FolderKind = 'missing' | 'empty' | 'ours' | 'foreign';

/** @throws FlotillaError `service.folder-foreign`, `service.program-hidden` */
export function planInstall({ data, user, unitDir }: InstallOptions, host: Host): Action[] {
  if (host.folder === 'foreign') throw new FlotillaError('service.folder-foreign', { data });
  if (host.hidden !== undefined && user !== 'root') {
    const program = host.program[0] ?? '';
    throw new FlotillaError('service.program-hidden', { program, folder: host.hidden });
  }
  const { program, groups, jetson } = host;
  const text = unitText({ program, data, user, groups, jetson });
  const actions: Action[] = [
    { kind: 'ownFolder', path: data, user },
    { kind: 'writeFile', path: join(unitDir, UNIT_NAME), text },
  ];
  if (!host.userExists) actions.unshift({ kind: 'makeUser', user, home: data });
  if (!host.managed) return actions;
  const start = host.enrolled ? ['enable', '--now', UNIT_NAME] : ['enable', UNIT_NAME];
  return [
    ...actions,
    { kind: 'systemctl', words: ['daemon-reload'] },
    { kind: 'systemctl', words: start },
    // one that ran already takes the new unit
    ...(host.enrolled ? [systemctl('restart', UNIT_NAME)] : []),
  ];
}

/**
 * @param unit text of the installed unit
 * @param purge removes the data and the user too
 * @throws FlotillaError `service.not-installed`, `service.folder-foreign`
 */
export function planUninstall(
  unitDir: string,
  unit: string | undefined,
  purge: boolean,
  host: { readonly managed: boolean; readonly folder: FolderKind; readonly ownUser: boolean },
): Action[] {
  const path = join(unitDir, UNIT_NAME);
  const found = unit === undefined ? undefined : readUnit(unit);
  if (found === undefined) throw new FlotillaError('service.not-installed', { path });
  const { data, user } = found;
  if (purge && host.folder === 'foreign') {
    throw new FlotillaError('service.folder-foreign', { data });
  }
  const actions: Action[] = [{ kind: 'removeFile', path }];
  if (host.managed) {
    actions.unshift(systemctl('disable', '--now', UNIT_NAME));
    actions.push(systemctl('daemon-reload'));
  }
  if (!purge) return actions;
  if (host.folder !== 'missing') actions.push({ kind: 'removeFolder', path: data });
  if (host.ownUser) actions.push({ kind: 'removeUser', user });
  return actions;
}

const systemctl = (...words: string[]): Action => ({ kind: 'systemctl', words });

/** One line for a person: a command that does the same. */
export function describe(action: Action): string {
  switch (action.kind) {
    case 'makeUser':
      return shell('useradd', ...userOptions(action.home), action.user);
    case 'ownFolder': {
      const { path, user } = action;
      return `${shell('mkdir', '-p', '-m', '0700', path)} && ${shell('chown', '-R', `${user}:`, path)}`;
    }
    case 'writeFile':
      return shell('write', action.path);
    case 'removeFile':
      return shell('rm', action.path);
    case 'removeFolder':
      return shell('rm', '-r', action.path);
    case 'systemctl':
      return shell('systemctl', ...action.words);
    case 'removeUser':
      return shell('userdel', action.user);
  }
}

/** Words as a shell takes them. */
const shell = (...words: readonly string[]): string =>
  words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`))
    .join(' ');

/** A system user of its own group, who cannot log in. */
export const userOptions = (home: string): string[] => [
  '--system',
  '--user-group',
  '--no-create-home',
  '--home-dir',
  home,
  '--shell',
  '/usr/sbin/nologin',
];
