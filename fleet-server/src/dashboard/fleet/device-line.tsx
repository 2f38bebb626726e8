import type { ReadonlySignal } from '@preact/signals';
import { useDashboard } from '../app/context.ts';
import { ago, compact, count, latency } from '../app/format.ts';
import { hrefOf } from '../app/route.ts';
import { Sparkline } from '../charts/sparkline.tsx';
import type { Sparklines } from '../data/schemas.ts';
import { type DriftState, driftOf, type Line } from './table.ts';

interface DeviceLineProps {
  readonly line: Line;
  readonly sparklines: ReadonlySignal<Sparklines['lines']>;
}

/** One line of the fleet table. Names come from devices: they are drawn as text only. */
export function DeviceLine({ line, sparklines }: DeviceLineProps) {
  const { row, slot } = line;
  const window = slot?.window ?? undefined;
  const dash = <span class="muted">–</span>;
  return (
    <tr data-device={row.device}>
      <td class="cell-online">
        <OnlineDot status={row.status} online={row.online} />
      </td>
      <td class="cell-name">
        <a
          href={hrefOf({ page: 'device', id: row.device })}
          title={`${row.name} ${row.device}`.trim()}
        >
          <bdi>{row.name || row.device}</bdi>
        </a>
      </td>
      <td data-label="Target" class="cell-target mono">
        {row.target || dash}
      </td>
      <td data-label="Agent" class="cell-agent mono">
        {row.incompatible === '' ? (
          row.agentVersion || dash
        ) : (
          <span class="unmanaged" title={row.incompatible}>
            {row.agentVersion || 'unknown'}
          </span>
        )}
      </td>
      <td data-label="Model" class="cell-model">
        {slot === undefined ? (
          <span class="muted">nothing yet</span>
        ) : (
          <>
            <span class="mono" title={`${slot.model}@${slot.version} ${slot.precision}`}>
              <bdi>{slot.model}</bdi>@{slot.version}
            </span>{' '}
            <span class="tag">{slot.precision}</span>
            {slot.slot !== slot.model && <span class="muted small"> in {slot.slot}</span>}
          </>
        )}
      </td>
      <td data-label="Inferences" class="cell-inferences number" title={count(row.inferencesDay)}>
        {row.inferencesDay === 0 ? dash : compact(row.inferencesDay)}
      </td>
      <td data-label="Latency p95" class="cell-latency number">
        <span class="with-spark">
          <Sparkline
            values={sparklines.value[line.key] ?? []}
            label={`Latency of the last windows of ${row.name}`}
          />
          <span class="spark-value">{window === undefined ? dash : latency(window.p95Ms)}</span>
        </span>
      </td>
      <td data-label="Confidence" class="cell-confidence number">
        {window === undefined || window.confidence === 0 ? dash : window.confidence.toFixed(2)}
      </td>
      <td data-label="Drift" class="cell-drift">
        <DriftMark state={driftOf(line)} />
      </td>
      <td data-label="Last seen" class="number cell-seen">
        <LastSeen ms={row.lastSeenMs} />
      </td>
    </tr>
  );
}

export function OnlineDot({
  status,
  online,
}: {
  readonly status: string;
  readonly online: boolean;
}) {
  const state = status === 'accepted' ? (online ? 'online' : 'offline') : status;
  return <span class={`dot ${state}`} role="img" aria-label={state} title={state} />;
}

/** Ticks by itself, without drawing its line again. */
export function LastSeen({ ms }: { readonly ms: number }) {
  const { now } = useDashboard();
  const title = ms === 0 ? undefined : new Date(ms).toLocaleString('en-GB');
  return <time title={title}>{ago(ms, now.value)}</time>;
}

const HINTS = {
  drifting: 'An input drift alert is open',
  suspect: 'The device sees drift; the server has not confirmed it',
  steady: 'Inputs look like the reference',
  unknown: 'No telemetry of this version yet',
} as const satisfies Record<DriftState, string>;

function DriftMark({ state }: { readonly state: DriftState }) {
  return (
    <span class={`drift ${state}`} title={HINTS[state]}>
      {state === 'unknown' ? '–' : state}
    </span>
  );
}
