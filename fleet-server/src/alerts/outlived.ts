import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { type Alert, closeAlert, openAlerts } from './store.ts';

/**
 * Closes alerts on versions that no longer run where they were raised: nothing would ever say that
 * they are over.
 */
export async function closeOutlived(db: Kysely<Database>, now: number): Promise<Alert[]> {
  const fleets = await db
    .selectFrom('alerts')
    .select('fleet')
    .distinct()
    .where('state', '=', 'open')
    .execute();
  const closed: Alert[] = [];
  for (const { fleet } of fleets) {
    const running = await readRunning(db, fleet);
    for (const alert of await openAlerts(db, fleet)) {
      const here = running.get(`${alert.device} ${alert.model}`);
      if (here === undefined || here.has(alert.version)) continue;
      await closeAlert(db, alert, `${alert.model}@${alert.version} no longer runs there`, now);
      closed.push(alert);
    }
  }
  return closed;
}

/** Versions by device and model; the device is empty for the whole fleet. */
async function readRunning(db: Kysely<Database>, fleet: string): Promise<Map<string, Set<number>>> {
  const rows = await db
    .selectFrom('telemetry_latest')
    .select(['device', 'model', 'version'])
    .where('fleet', '=', fleet)
    .execute();
  const running = new Map<string, Set<number>>();
  for (const { device, model, version } of rows) {
    for (const key of [`${device} ${model}`, ` ${model}`]) {
      const versions = running.get(key) ?? new Set();
      running.set(key, versions.add(version));
    }
  }
  return running;
}
