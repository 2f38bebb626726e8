import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { HOUR_MS, MINUTE_MS } from './rollups.ts';

/** How long telemetry is kept, in milliseconds. */
export interface Retention {
  readonly windowsMs: number;
  readonly minutesMs: number;
  readonly hoursMs: number;
}

const DAY = 86_400_000;

const DEFAULT_RETENTION: Retention = {
  windowsMs: 7 * DAY,
  minutesMs: 30 * DAY,
  hoursMs: 730 * DAY,
};

/** Deletes what is older than its retention. */
export async function pruneTelemetry(
  db: Kysely<Database>,
  now: number,
  retention: Retention = DEFAULT_RETENTION,
): Promise<void> {
  await db
    .deleteFrom('telemetry_windows')
    .where('start_ms', '<', now - retention.windowsMs)
    .execute();
  for (const [grain, age] of [
    [MINUTE_MS, retention.minutesMs],
    [HOUR_MS, retention.hoursMs],
  ] as const) {
    await db
      .deleteFrom('telemetry_rollups')
      .where('grain_ms', '=', grain)
      .where('start_ms', '<', now - age)
      .execute();
  }
}
