import type { ReadonlySignal, Signal } from '@preact/signals';
import type { Sparklines } from '../data/schemas.ts';
import { DeviceLine } from './device-line.tsx';
import type { Column, Line, Order } from './table.ts';

interface FleetTableProps {
  readonly lines: readonly Line[];
  readonly sparklines: ReadonlySignal<Sparklines['lines']>;
  readonly order: Signal<Order>;
}

const COLUMNS: readonly { column: Column; title: string; number?: true; hint?: string }[] = [
  { column: 'online', title: '', hint: 'Online' },
  { column: 'name', title: 'Device' },
  { column: 'target', title: 'Target' },
  { column: 'agent', title: 'Agent' },
  { column: 'model', title: 'Model' },
  { column: 'inferences', title: 'Inferences', number: true, hint: 'In the last 24 hours' },
  { column: 'latency', title: 'Latency p95', number: true, hint: 'Of the newest window' },
  { column: 'confidence', title: 'Confidence', number: true, hint: 'Mean of the newest window' },
  { column: 'drift', title: 'Drift' },
  { column: 'seen', title: 'Last seen', number: true },
];

/** Columns of numbers begin with the largest when they are clicked first. */
const FALLING: readonly Column[] = ['inferences', 'latency', 'seen'];

export function FleetTable({ lines, sparklines, order }: FleetTableProps) {
  const { column: current, descending } = order.value;
  const sort = (column: Column) => {
    order.value =
      column === current
        ? { column, descending: !descending }
        : { column, descending: FALLING.includes(column) };
  };
  return (
    <table class="fleet">
      <colgroup>
        {COLUMNS.map(({ column }) => (
          <col key={column} class={`col-${column}`} />
        ))}
      </colgroup>
      <thead>
        <tr>
          {COLUMNS.map(({ column, title, number, hint }) => (
            <th
              key={column}
              scope="col"
              class={number ? 'number' : ''}
              aria-sort={column !== current ? 'none' : descending ? 'descending' : 'ascending'}
            >
              <button type="button" class="sort" title={hint} onClick={() => sort(column)}>
                {title || <span class="dot online" aria-label="Online" role="img" />}
                <span class="arrow" aria-hidden="true">
                  {column !== current ? '' : descending ? '↓' : '↑'}
                </span>
              </button>
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <DeviceLine key={line.key} line={line} sparklines={sparklines} />
        ))}
      </tbody>
    </table>
  );
}
