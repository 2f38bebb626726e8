import { count, plural } from '../app/format.ts';
import type { FleetRow, SlotRow } from '../data/schemas.ts';

/** A line of the fleet table: a device and one of its slots, or a device that runs nothing. */
export interface Line {
  readonly key: string;
  readonly row: FleetRow;
  readonly slot: SlotRow | undefined;
}

const DRIFT_STATES = ['drifting', 'suspect', 'steady', 'unknown'] as const;
export type DriftState = (typeof DRIFT_STATES)[number];

export type Column =
  | 'name'
  | 'target'
  | 'agent'
  | 'online'
  | 'model'
  | 'inferences'
  | 'latency'
  | 'confidence'
  | 'drift'
  | 'seen';

export interface Order {
  readonly column: Column;
  readonly descending: boolean;
}

export const linesOf = (rows: readonly FleetRow[]): Line[] =>
  rows.flatMap((row): Line[] =>
    row.slots.length === 0
      ? [{ key: row.device, row, slot: undefined }]
      : row.slots.map((slot) => ({ key: `${row.device}/${slot.slot}`, row, slot })),
  );

/** An alert of the server is drift; the device's own test alone makes it a suspect. */
export function driftOf({ row, slot }: Line): DriftState {
  if (row.alerts > 0) return 'drifting';
  if (slot?.window == null) return 'unknown';
  return slot.window.driftedFeatures > 0 ? 'suspect' : 'steady';
}

export const modelOf = (slot: SlotRow | undefined): string =>
  slot === undefined ? '' : `${slot.model}@${slot.version}`;

/** Every word of the filter must occur in what the line says. */
export function matches(line: Line, filter: string): boolean {
  const { row, slot } = line;
  const said = [
    row.name,
    row.device,
    row.target,
    row.agentVersion,
    row.incompatible,
    row.status === 'accepted' ? (row.online ? 'online' : 'offline') : row.status,
    modelOf(slot),
    slot?.slot ?? '',
    slot?.precision ?? '',
    driftOf(line),
  ]
    .join(' ')
    .toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => said.includes(word));
}

/** How many devices the lines are of; a device with several slots counts once. */
export function countText(found: readonly Line[], devices: number): string {
  const matching = new Set(found.map(({ row }) => row.device)).size;
  return matching === devices
    ? plural(devices, 'device')
    : `${count(matching)} of ${count(devices)} match`;
}

const KEYS: Record<Column, (line: Line) => string | number> = {
  name: ({ row }) => row.name.toLowerCase(),
  target: ({ row }) => row.target,
  agent: ({ row }) => row.agentVersion,
  online: ({ row }) => (row.online ? 0 : 1),
  model: ({ slot }) =>
    slot === undefined ? '' : `${slot.model}@${String(slot.version).padStart(10, '0')}`,
  inferences: ({ row }) => row.inferencesDay,
  latency: ({ slot }) => slot?.window?.p95Ms ?? -1,
  confidence: ({ slot }) => slot?.window?.confidence ?? -1,
  drift: (line) => DRIFT_STATES.indexOf(driftOf(line)),
  seen: ({ row }) => row.lastSeenMs,
};

/** Sorted by a column, lines of equal value by name and then by id, so that they never jump. */
export function sortLines(lines: readonly Line[], { column, descending }: Order): Line[] {
  const key = KEYS[column];
  const turn = descending ? -1 : 1;
  return [...lines].sort(
    (a, b) =>
      turn * compare(key(a), key(b)) ||
      compare(KEYS.name(a), KEYS.name(b)) ||
      compare(a.key, b.key),
  );
}

const NATURAL = new Intl.Collator('en', { numeric: true });

function compare(a: string | number, b: string | number): number {
  return typeof a === 'number' && typeof b === 'number'
    ? a - b
    : NATURAL.compare(String(a), String(b));
}
