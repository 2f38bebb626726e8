import { FlotillaError } from '@flotilla/protocol';
import { readDuration } from './times.ts';

export interface Rate {
  readonly perMinute: number;
  readonly factor?: number;
  readonly after?: number;
  readonly max?: number;
}

const RATE =
  /^(\d+)\/min(?:\s+x(\d+(?:\.\d+)?)\s+every\s+(\d+)(?:\s+up\s+to\s+(\d+)(?:\/min)?)?)?$/;

/** `100/min`, or `10/min x2 every 50 up to 1000/min`. @throws FlotillaError `cli.usage` */
export function readRate(text: string): Rate {
  const [, perMinute, factor, after, max] = RATE.exec(text.trim()) ?? [];
  if (perMinute === undefined) {
    throw usage(
      `--rate takes 100/min, or 10/min x2 every 50 up to 1000/min, not ${JSON.stringify(text)}`,
    );
  }
  return {
    perMinute: Number(perMinute),
    ...(factor === undefined ? {} : { factor: Number(factor), after: Number(after) }),
    ...(max === undefined ? {} : { max: Number(max) }),
  };
}

/** Devices per minute. @throws FlotillaError `cli.usage` */
export function readPerMinute(option: string, text: string): number {
  const [, perMinute] = /^(\d+)(?:\/min)?$/.exec(text.trim()) ?? [];
  if (perMinute !== undefined) return Number(perMinute);
  throw usage(`${option} takes devices per minute such as 200/min, not ${JSON.stringify(text)}`);
}

export interface MaintenanceWindow {
  readonly days?: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly timeZone?: string;
}

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const WINDOW = /^(?:(\S+)\s+)?(\d\d:\d\d)-(\d\d:\d\d)(?:\s+(\S+))?$/;

/** `sat,sun 02:00-05:00 Europe/Paris`; days `mon-fri`, days and zone may be left out. @throws FlotillaError `cli.usage` */
export function readWindow(text: string): MaintenanceWindow {
  const [, days, from, to, timeZone] = WINDOW.exec(text.trim()) ?? [];
  if (from === undefined || to === undefined) {
    throw usage(
      `--maintenance takes 'sat,sun 02:00-05:00' and, where it is not the device's own, a time zone, not ${JSON.stringify(text)}`,
    );
  }
  return {
    ...(days === undefined ? {} : { days: days.toLowerCase().split(',').flatMap(readDays) }),
    ...{ from, to },
    ...(timeZone === undefined ? {} : { timeZone }),
  };
}

/** A day, or all from one to another. */
function readDays(text: string): string[] {
  const [first, last, ...rest] = text.split('-').map((day) => DAYS.indexOf(day));
  if (first === undefined || first < 0 || (last !== undefined && last < 0) || rest.length > 0) {
    throw usage(`--maintenance names a day as ${DAYS.join(', ')} or mon-fri, not ${text}`);
  }
  const length = last === undefined ? 1 : ((last - first + 7) % 7) + 1;
  return Array.from({ length }, (_, i) => DAYS[(first + i) % 7]!);
}

/** A time of ISO 8601 that is to come, or `+2h` from now. @throws FlotillaError `cli.usage` */
export function readStart(text: string, now: number): number {
  if (text.startsWith('+')) return now + readDuration('--start', text.slice(1));
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (at <= now) {
    throw usage(`--start ${text} is past: leave it out to begin at once, or give a time to come`);
  }
  if (Number.isFinite(at)) return at;
  throw usage(`--start takes a time such as 2027-01-31T22:00 or +2h, not ${JSON.stringify(text)}`);
}

const usage = (reason: string) => new FlotillaError('cli.usage', { reason });
