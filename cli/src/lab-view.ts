import { milliseconds, table } from './ui/table.ts';

/** What the command reads of `GET …/measurements/runs/{run}`. */
export interface LabRun {
  readonly id: string;
  readonly state: 'running' | 'done' | 'aborted';
  readonly orders: readonly LabOrder[];
}

interface LabOrder {
  readonly device: string;
  readonly name: string;
  readonly target: string;
  readonly precision: string;
  readonly state: string;
  readonly code: string;
  readonly detail: string;
}

/** What the command reads of `GET …/measurements`. */
export interface Measurements {
  readonly choices: readonly {
    readonly target: string;
    readonly precision: string;
    readonly reason: string;
  }[];
  readonly measurements: readonly {
    readonly device: string;
    readonly name: string;
    readonly target: string;
    readonly precision: string;
    readonly p50Ms: number;
    readonly p95Ms: number;
    readonly rssBytes: number;
    readonly runtime: string;
    readonly provider: string;
    readonly code: string;
    readonly detail: string;
  }[];
}

const OPEN = ['pending', 'sent'];

/** How far a run is: a line for its progress, and its share. */
export function labProgress({ orders }: LabRun): {
  readonly label: string;
  readonly share: number;
} {
  const open = orders.filter(({ state }) => OPEN.includes(state));
  const now = open
    .filter(({ state }) => state === 'sent')
    .map(({ name, device, precision }) => `${precision} on ${name || device}`);
  const more = now.length > 3 ? ` and ${now.length - 3} more` : '';
  return {
    label: `measuring ${now.slice(0, 3).join(', ')}${more}`,
    share: orders.length === 0 ? 1 : (orders.length - open.length) / orders.length,
  };
}

/** Figures by device and variant, then what each target gets for them. */
export function measurementTable({ measurements, choices }: Measurements, columns: number): string {
  const rows = measurements.map((one) => [
    one.name || one.device,
    one.target,
    one.precision,
    one.code === '' ? milliseconds(one.p50Ms) : '–',
    one.p95Ms > 0 ? milliseconds(one.p95Ms) : '–',
    one.rssBytes > 0 ? `${(one.rssBytes / 1e6).toFixed(1)} MB` : '–',
    one.code === '' ? [one.runtime, one.provider].filter(Boolean).join(', ') : one.code,
  ]);
  const head = ['device', 'target', 'variant', 'median', '95th percentile', 'memory', 'ran on'];
  const chosen = choices.map(({ target, precision, reason }) => [target, precision, reason]);
  return [table(head, rows, columns), table(['target', 'gets', 'why'], chosen, columns)].join(
    '\n\n',
  );
}

/** Devices and variants that a run has no figures of, and why; empty where it has all. */
export function unmeasuredTable({ orders }: LabRun, columns: number): string {
  const rows = orders
    .filter(({ state }) => state !== 'measured' && !OPEN.includes(state))
    .map(({ name, device, precision, state, code, detail }) => [
      name || device,
      precision,
      state,
      [code, detail].filter(Boolean).join(': '),
    ]);
  return rows.length === 0
    ? ''
    : table(['device', 'variant', 'not measured', 'why'], rows, columns);
}
