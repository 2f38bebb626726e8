import type { SystemFiles } from './system-files.ts';

/** Where systems keep what is known of zones (tzfile(5)). */
const DATABASE = 'usr/share/zoneinfo';
/** `posix` and `right` hold the same zones without and with leap seconds. */
const IN_DATABASE = /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/;
/** What the C library goes by where nothing names a zone (tzset(3)). */
const UNSET = 'UTC';

/**
 * IANA name of the zone that the clock of the system shows: as `TZ` says, as `/etc/localtime` points
 * into the zone database (systemd, localtime(5)), or as Debian's `/etc/timezone` says. Read anew each
 * time, because devices move. The system is asked and not `Intl`, whose data take 5 MB of memory.
 *
 * @param tz `TZ` of the environment; empty without one
 */
export async function readTimeZone(files: SystemFiles, tz = ''): Promise<string> {
  const said = [
    tz.replace(/^:/, ''),
    IN_DATABASE.exec(await files.target('etc/localtime'))?.[1] ?? '',
    await files.text('etc/timezone'),
  ];
  for (const name of said) if (await isZone(files, name)) return name;
  return UNSET;
}

/** Offsets and the rules of POSIX are no names. Where there is no database, the server judges names. */
async function isZone(files: SystemFiles, name: string): Promise<boolean> {
  if (!/^[A-Za-z][\w/+-]{0,63}$/.test(name)) return false;
  if ((await files.text(`${DATABASE}/${name}`)).startsWith('TZif')) return true;
  return (await files.names(DATABASE, /^UTC$/)).length === 0;
}
