import type { Kysely } from 'kysely';
import type { Database } from '../../db/schema.ts';
import { latencyMs, unpackWindow } from '../../telemetry/merge.ts';
import type { Sparklines } from './schemas.ts';

/** Points of a line. */
const POINTS = 24;
/** Older windows say nothing of now. */
const MAX_AGE_MS = 6 * 3_600_000;

/** p95 of the last windows of each slot of these devices. */
export async function readSparklines(
  db: Kysely<Database>,
  fleet: string,
  devices: readonly string[],
  now: number,
): Promise<Sparklines> {
  const lines: Record<string, number[]> = {};
  for (const device of devices) {
    const rows = await db
      .selectFrom('telemetry_windows')
      .select(['slot', 'body'])
      .where('fleet', '=', fleet)
      .where('device', '=', device)
      .where('start_ms', '>', now - MAX_AGE_MS)
      .orderBy('start_ms', 'desc')
      .limit(POINTS)
      .execute();
    for (const { slot, body } of rows.reverse()) {
      const p95 = latencyMs(unpackWindow(body), 0.95);
      if (p95 === 0) continue;
      const key = `${device}/${slot}`;
      lines[key] ??= [];
      lines[key].push(Number(p95.toPrecision(4)));
    }
  }
  return { lines };
}
