import { useComputed, useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useDashboard } from '../app/context.ts';
import { EmptyFleet } from './empty-fleet.tsx';
import { FleetHead } from './fleet-head.tsx';
import { type FleetStore, openFleetStore } from './fleet-store.ts';
import { FleetTable } from './fleet-table.tsx';
import { openSelection, type Selection } from './selection.ts';
import { SelectorBar } from './selector-bar.tsx';
import { countText, linesOf, matches, type Order, sortLines } from './table.ts';

/** Lines that are drawn before a person asks for more. */
const SHOWN = 100;

/** Every device of the fleet and how it is. */
export function FleetPage() {
  const dashboard = useDashboard();
  const parts = useSignal<Parts | undefined>(undefined);
  useEffect(() => {
    const opened = { store: openFleetStore(dashboard), selection: openSelection(dashboard) };
    parts.value = opened;
    return () => {
      opened.store.close();
      opened.selection.close();
    };
  }, [dashboard, parts]);
  return (
    <>
      <FleetHead />
      {parts.value && <Devices {...parts.value} />}
    </>
  );
}

function noneText(filter: string, wrongAt: number): string {
  if (wrongAt > 0) return 'Nothing is selected until the selector is mended.';
  return `No device matches the ${filter === '' ? 'selector' : 'filter'}.`;
}

interface Parts {
  readonly store: FleetStore;
  readonly selection: Selection;
}

function Devices({ store, selection }: Parts) {
  const filter = useSignal('');
  const order = useSignal<Order>({ column: 'name', descending: false });
  const limit = useSignal(SHOWN);
  const found = useComputed(() => {
    const selected = selection.devices.value;
    const rows = [...(store.rows.value?.values() ?? [])];
    const lines = linesOf(rows.filter(({ device }) => selected?.has(device) ?? true));
    return sortLines(
      lines.filter((line) => matches(line, filter.value)),
      order.value,
    );
  });
  const shown = found.value.slice(0, limit.value);
  const ids = [...new Set(shown.map(({ row }) => row.device))].join(',');
  useEffect(() => {
    store.shown.value = ids === '' ? [] : ids.split(',');
  }, [store, ids]);

  if (store.rows.value === undefined) {
    return <p class="card placeholder muted">{store.trouble.value || 'Loading devices …'}</p>;
  }
  if (store.rows.value.size === 0) return <EmptyFleet />;
  return (
    <section class="card flush" aria-label="Devices">
      <div class="toolbar">
        <input
          class="filter"
          type="search"
          placeholder="Filter: name, target, model, online, drifting …"
          aria-label="Filter devices"
          value={filter.value}
          onInput={(event) => {
            filter.value = event.currentTarget.value;
          }}
        />
        <span class="muted small" role="status">
          {countText(found.value, store.rows.value.size)}
        </span>
      </div>
      <SelectorBar selection={selection} />
      <FleetTable lines={shown} sparklines={store.lines} order={order} />
      {found.value.length === 0 && (
        <p class="placeholder muted">{noneText(filter.value, selection.wrongAt.value)}</p>
      )}
      {found.value.length > shown.length && (
        <p class="more">
          <button
            class="button"
            type="button"
            onClick={() => {
              limit.value += SHOWN;
            }}
          >
            Show more ({found.value.length - shown.length} left)
          </button>
        </p>
      )}
    </section>
  );
}
