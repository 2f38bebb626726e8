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
    const latest = await db
      .selectFrom('telemetry_latest')
      .select(['device', 'model', 'version'])
      .where('fleet', '=', fleet)
      .execute();
    for (const alert of await openAlerts(db, fleet)) {
      const running = latest.filter(({ model }) => model === alert.model);
      const here = running.filter(({ device }) => alert.device === '' || device === alert.device);
      if (here.length === 0 || here.some(({ version }) => version === alert.version)) continue;
      await closeAlert(db, alert, `${alert.model}@${alert.version} no longer runs there`, now);
      closed.push(alert);
    }
  }
  return closed;
}
