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
/** Of a fleet larger than the screen, devices that are not on it are that old at most. */
const WHOLE_MS = 30_000;

/** Reloads the devices on the screen as they change, and the whole fleet now and then. */
export function openFleetStore({ api, onChange }: Pick<Dashboard, 'api' | 'onChange'>): FleetStore {
  const rows = signal<ReadonlyMap<string, FleetRow> | undefined>(undefined);
  const lines = signal<Sparklines['lines']>({});
  const trouble = signal('');
  const shown = signal<readonly string[]>([]);
  const changed = new Set<string>();
  let wholeMs = Number.NEGATIVE_INFINITY;

  async function loadWhole(): Promise<boolean> {
    changed.clear();
    const answer = await api.all<FleetRow>('/overview/devices');
    trouble.value = answer.ok ? '' : answer.detail;
    if (!answer.ok) return false;
    wholeMs = performance.now();
    rows.value = new Map(answer.value.map((row) => [row.device, row]));
    return true;
  }

  async function loadSome(ids: readonly string[]): Promise<boolean> {
    for (const id of ids) changed.delete(id);
    const answer = await api.all<FleetRow>(`/overview/devices?ids=${ids.join(',')}`);
    trouble.value = answer.ok ? '' : answer.detail;
    if (!answer.ok) return false;
    const fresh = answer.value.map((row) => [row.device, row] as const);
    rows.value = new Map([...(rows.value ?? []), ...fresh]);
    return true;
  }

  const rowsRefresher = createRefresher(async () => {
    const old = performance.now() - wholeMs >= WHOLE_MS;
    const ids = urgent(changed, shown.value, rows.value).slice(0, BATCH);
    const whole = wholeMs < 0 || (old && changed.size > ids.length);
    const answered = whole ? await loadWhole() : ids.length === 0 || (await loadSome(ids));
    if (changed.size > 0) rowsRefresher.request();
    return answered;
  }, ROWS_MS);

  const linesRefresher = createRefresher(async () => {
    const ids = shown.value.slice(0, BATCH);
    const answer = await api.get<Sparklines>(`/overview/sparklines?ids=${ids.join(',')}`);
    if (answer.ok) lines.value = answer.value.lines;
    return answer.ok;
  }, LINES_MS);

  const refreshLines = () => {
    if (shown.value.length > 0) linesRefresher.request();
  };

  rowsRefresher.request();
  const unwatch = shown.subscribe(refreshLines);
  const stop = onChange(({ topic, id }) => {
    if (topic === 'build' || topic === 'rollout') return;
    if (topic === 'device' || topic === 'telemetry') changed.add(id);
    else wholeMs = Number.NEGATIVE_INFINITY;
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

/** What has changed and is on the screen, or is not known at all. */
function urgent(
  changed: ReadonlySet<string>,
  shown: readonly string[],
  rows: ReadonlyMap<string, FleetRow> | undefined,
): string[] {
  const visible = new Set(shown);
  return [...changed].filter((id) => visible.has(id) || rows?.has(id) !== true);
}
