export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

/** A recurring time in which devices may be changed, by the clock on their wall. */
export interface MaintenanceWindow {
  /** Days on which it begins; every day where none is named. */
  readonly days?: readonly Day[];
  /** `HH:MM`; `to` at or before `from` is on the next day. */
  readonly from: string;
  readonly to: string;
  /** IANA name; undefined: the device's own zone. */
  readonly timeZone?: string;
}

const MINUTE = 60_000;
const DAY_MINUTES = 1440;
/** The shortest window that is taken, so that looking for the next one may go by such steps. */
export const SHORTEST_MINUTES = 15;
const STEP = SHORTEST_MINUTES * MINUTE;
/** A weekly window comes again within that, whatever the clocks do. */
const HORIZON = 15 * 24 * 60 * MINUTE;

/** The zone by a name that a device gave, or UTC where there is none of that name. */
export function knownZone(name: string): string {
  if (name === '') return 'UTC';
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}

export interface Hours {
  isOpen(now: number): boolean;
  /** `now` where it is open, else when it opens next; undefined where that is not within two weeks. */
  openingMs(now: number): number | undefined;
  /** When what is open now closes; 0 where it does not within two weeks. */
  closingMs(now: number): number;
}

/** When a device of a zone may be changed. An hour that clocks skip has no minute in which it is open. */
export function hoursOf(windows: readonly MaintenanceWindow[], zone: string): Hours {
  const open = windows.map((window) => opener(window, knownZone(window.timeZone ?? zone)));
  const isOpen = (now: number) => open.length === 0 || open.some((one) => one(now));
  const change = (now: number, to: boolean): number | undefined => {
    for (let at = now; at < now + HORIZON; at += STEP) {
      if (isOpen(at + STEP) === to) return firstAfter(at, at + STEP, (t) => isOpen(t) === to);
    }
    return undefined;
  };
  return {
    isOpen,
    openingMs: (now) => (isOpen(now) ? now : change(now, true)),
    closingMs: (now) => change(now, false) ?? 0,
  };
}

/** The first whole minute after `from` at which something holds that holds at `to` and not at `from`. */
function firstAfter(from: number, to: number, holds: (at: number) => boolean): number {
  let at = from - (from % MINUTE) + MINUTE;
  while (at < to && !holds(at)) at += MINUTE;
  return at;
}

function opener({ days = [], from, to }: MaintenanceWindow, zone: string) {
  const clock = wallClock(zone);
  const [start, end] = [minuteOf(from), minuteOf(to)];
  const on = (day: number) => days.length === 0 || days.includes(DAYS[(day + 7) % 7] ?? 'mon');
  return (now: number): boolean => {
    const { day, minute } = clock(now);
    if (start < end) return on(day) && minute >= start && minute < end;
    return (on(day) && minute >= start) || (on(day - 1) && minute < end);
  };
}

/** How long a window is open on a day on which no clock is changed. */
export function lengthMinutes({ from, to }: MaintenanceWindow): number {
  const length = minuteOf(to) - minuteOf(from);
  return length > 0 ? length : length + DAY_MINUTES;
}

const minuteOf = (time: string): number => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return Math.min(hours * 60 + minutes, DAY_MINUTES);
};

/** Day of the week (0 is Monday) and minute of the day that the clocks of a zone show. */
function wallClock(zone: string) {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (now: number): { day: number; minute: number } => {
    const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
    const day = DAYS.indexOf((parts.get('weekday') ?? '').toLowerCase() as Day);
    return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
  };
}
