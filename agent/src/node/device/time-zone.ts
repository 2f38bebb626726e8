import type { SystemFiles } from './system-files.ts';

/** `posix` and `right` hold the same zones without and with leap seconds. */
const IN_DATABASE = /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/;

/**
 * IANA name of the zone that the clock of the system shows: as `TZ` says, as `/etc/localtime` points
 * into the zone database (systemd, localtime(5)), or as Debian's `/etc/timezone` says. Where none of
 * them names a zone, as this process takes it to be. Read anew each time, because devices move.
 *
 * @param tz `TZ` of the environment; empty without one
 */
export async function readTimeZone(
  files: SystemFiles,
  tz = '',
  otherwise = Intl.DateTimeFormat().resolvedOptions().timeZone,
): Promise<string> {
  const said = [
    tz.replace(/^:/, ''),
    IN_DATABASE.exec(await files.target('etc/localtime'))?.[1] ?? '',
    await files.text('etc/timezone'),
  ];
  return said.find(isZone) ?? (isZone(otherwise) ? otherwise : '');
}

/** Offsets and the rules of POSIX are no names. */
function isZone(name: string): boolean {
  if (!/^[A-Za-z][\w/+-]{0,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
