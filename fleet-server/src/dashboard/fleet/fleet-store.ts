import { type ReadonlySignal, type Signal, signal } from '@preact/signals';
import type { Dashboard } from '../app/dashboard.ts';
import { createRefresher } from '../app/refresher.ts';
import type { FleetRow, Sparklines } from '../data/schemas.ts';

/** Rows of the fleet table, kept up to date while it is shown. */
export interface FleetStore {
  /** Undefined until they have been loaded. */
  readonly rows: ReadonlySignal<ReadonlyMap<string, FleetRow> | undefined>;
  readonly lines: ReadonlySignal<Sparklines['lines']>;
  readonly trouble: ReadonlySignal<string>;
  /** Devices that are on the screen: their sparklines are loaded. */
  readonly shown: Signal<readonly string[]>;
  close(): void;
}

/** Devices asked for in one request. */
const BATCH = 100;
const ROWS_MS = 1000;
const LINES_MS = 2000;

/** Reloads single devices as they change, and everything where too many did. */
export function openFleetStore({ api, onChange }: Pick<Dashboard, 'api' | 'onChange'>): FleetStore {
  const rows = signal<ReadonlyMap<string, FleetRow> | undefined>(undefined);
  const lines = signal<Sparklines['lines']>({});
  const trouble = signal('');
  const shown = signal<readonly string[]>([]);
  const changed = new Set<string>();
  let all = true;

  const rowsRefresher = createRefresher(async () => {
    const ids = [...changed];
    const whole = all || ids.length > BATCH;
    all = false;
    changed.clear();
    const answer = await api.all<FleetRow>(
      whole ? '/overview/devices' : `/overview/devices?ids=${ids.join(',')}`,
    );
    trouble.value = answer.ok ? '' : answer.detail;
    if (!answer.ok) {
      all ||= whole;
      return;
    }
    const known = whole ? [] : (rows.value ?? []);
    rows.value = new Map([...known, ...answer.value.map((row) => [row.device, row] as const)]);
  }, ROWS_MS);

  const linesRefresher = createRefresher(async () => {
    const ids = shown.value.slice(0, BATCH);
    const answer = await api.get<Sparklines>(`/overview/sparklines?ids=${ids.join(',')}`);
    if (answer.ok) lines.value = answer.value.lines;
  }, LINES_MS);

  const refreshLines = () => {
    if (shown.value.length > 0) linesRefresher.request();
  };

  rowsRefresher.request();
  const unwatch = shown.subscribe(refreshLines);
  const stop = onChange(({ topic, id }) => {
    if (topic === 'build' || topic === 'rollout') return;
    if (topic === 'device' || topic === 'telemetry') changed.add(id);
    else all = true;
    rowsRefresher.request();
    if (topic === 'telemetry' || topic === 'reset') refreshLines();
  });
  return {
    rows,
    lines,
    trouble,
    shown,
    close() {
      stop();
      unwatch();
      rowsRefresher.stop();
      linesRefresher.stop();
    },
  };
}
