const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "12 s ago"; what lies a little ahead is a clock's fault, so "just now". */
export function ago(thenMs: number, nowMs: number): string {
  if (thenMs === 0) return 'never';
  const passed = nowMs - thenMs;
  return passed < 2 * SECOND ? 'just now' : `${duration(passed)} ago`;
}

/** One unit, rounded down: "45 s", "3 min", "5 h", "2 d". */
export function duration(ms: number): string {
  const [unit, name] = unitOf(Math.max(0, ms));
  return `${Math.floor(Math.max(0, ms) / unit)} ${name}`;
}

function unitOf(ms: number): [number, string] {
  if (ms >= DAY) return [DAY, 'd'];
  if (ms >= HOUR) return [HOUR, 'h'];
  return ms >= MINUTE ? [MINUTE, 'min'] : [SECOND, 's'];
}

/** Three significant digits, "0.42 ms", "31.4 ms", "1.20 s". */
export function latency(ms: number): string {
  if (!(ms > 0)) return '–';
  const [value, unit] = ms >= SECOND ? [ms / SECOND, 's'] : [ms, 'ms'];
  return `${digits(value)} ${unit}`;
}

/** Three significant digits without an exponent. */
export function digits(value: number): string {
  if (value === 0) return '0';
  const size = Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(6, Math.max(0, 2 - size)));
}

export const percent = (share: number, places = 0): string => `${(share * 100).toFixed(places)} %`;

const COUNT = new Intl.NumberFormat('en-US');
const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

export const count = (value: number): string => COUNT.format(value);
/** "12.4K" from ten thousand on. */
export const compact = (value: number): string =>
  value < 10_000 ? COUNT.format(value) : COMPACT.format(value);

export const plural = (value: number, noun: string): string =>
  `${count(value)} ${noun}${value === 1 ? '' : 's'}`;

/** Local time of day, with the date where that was another day. */
export function clock(ms: number, nowMs: number): string {
  const then = new Date(ms);
  const time = then.toLocaleTimeString('en-GB');
  const sameDay = then.toDateString() === new Date(nowMs).toDateString();
  return sameDay ? time : `${then.toLocaleDateString('en-CA')} ${time}`;
}
