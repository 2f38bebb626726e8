import { type Active, AGENT_SLOT, whyIncompatible } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../../db/schema.ts';
import type { TelemetryLatestTable } from '../../db/schema-telemetry.ts';
import type { DeviceRow } from '../../devices/store.ts';
import { HOUR_MS } from '../../telemetry/rollups.ts';
import type { FleetRow, SlotRow } from './schemas.ts';

type Db = Kysely<Database>;
type Latest = Selectable<TelemetryLatestTable>;

/** Rows of the fleet table, in the order of the devices given (at most one page of them). */
export async function fleetRows(
  db: Db,
  fleet: string,
  devices: readonly DeviceRow[],
  now: number,
): Promise<FleetRow[]> {
  const ids = devices.map(({ device }) => device);
  if (ids.length === 0) return [];
  const [latest, inferences, alerts] = await Promise.all([
    readLatestOf(db, fleet, ids),
    sumInferences(db, fleet, ids, now),
    countAlerts(db, fleet, ids),
  ]);
  return devices.map((row) => ({
    device: row.device,
    name: row.name,
    status: row.status,
    target: row.target,
    online: row.online === 1,
    lastSeenMs: row.last_seen_ms,
    agentVersion: row.agent_version,
    incompatible: whyIncompatible(row.protocol_minor) ?? '',
    slots: slotRows(JSON.parse(row.active) as Partial<Active>[], latest.get(row.device) ?? []),
    inferencesDay: inferences.get(row.device) ?? 0,
    alerts: alerts.get(row.device) ?? 0,
  }));
}

/** Of models; figures count only where they are of the version that the device says it runs. */
export function slotRows(active: readonly Partial<Active>[], latest: readonly Latest[]): SlotRow[] {
  return active
    .filter(({ slot }) => slot !== AGENT_SLOT)
    .map(({ slot = '', model = '', version = 0, precision = '' }) => {
      const found = latest.find((one) => one.slot === slot && one.version === version);
      return { slot, model, version, precision, window: found ? windowOf(found) : null };
    })
    .sort((a, b) => (a.slot < b.slot ? -1 : 1));
}

const windowOf = (row: Latest): SlotRow['window'] => ({
  endMs: row.window_end_ms,
  inferences: row.inferences,
  errors: row.errors,
  p50Ms: row.p50_ms,
  p95Ms: row.p95_ms,
  confidence: row.confidence,
  driftedFeatures: row.drifted,
});

async function readLatestOf(
  db: Db,
  fleet: string,
  ids: readonly string[],
): Promise<Map<string, Latest[]>> {
  const rows = await db
    .selectFrom('telemetry_latest')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('device', 'in', ids)
    .execute();
  return Map.groupBy(rows, ({ device }) => device);
}

async function sumInferences(
  db: Db,
  fleet: string,
  ids: readonly string[],
  now: number,
): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('telemetry_rollups')
    .select(({ fn }) => ['subject', fn.sum<number>('inferences').as('total')])
    .where('fleet', '=', fleet)
    .where('scope', '=', 'device')
    .where('subject', 'in', ids)
    .where('grain_ms', '=', HOUR_MS)
    .where('start_ms', '>', now - 24 * HOUR_MS)
    .groupBy('subject')
    .execute();
  return new Map(rows.map(({ subject, total }) => [subject, Number(total)]));
}

async function countAlerts(
  db: Db,
  fleet: string,
  ids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('alerts')
    .select(({ fn }) => ['device', fn.countAll<number>().as('open')])
    .where('fleet', '=', fleet)
    .where('state', '=', 'open')
    .where('device', 'in', ids)
    .groupBy('device')
    .execute();
  return new Map(rows.map(({ device, open }) => [device, Number(open)]));
}
