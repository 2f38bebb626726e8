import { newId, type Window } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { findDeployment } from '../devices/deployments.ts';
import type { Ingested, RecordSource } from '../devices/ingest-port.ts';
import { findFault } from './check.ts';
import { latencyMs, packWindow } from './merge.ts';
import { ALL_ROWS, type Labels, SHADOW_ROWS } from './rollups.ts';

/** A window that was stored. */
export interface StoredWindow extends Labels {
  readonly rollout: string;
  readonly slot: string;
  readonly startMs: number;
}

/**
 * Takes in a window of a device's telemetry, in the transaction that marks its record as stored:
 * the raw window and the newest of the slot; the caller adds it to the roll-ups. What a window is of
 * is read from the deployment that it names, not believed.
 *
 * @param onStored told after the commit
 */
export async function ingestTelemetry(
  trx: Kysely<Database>,
  { fleet, device, receivedMs }: RecordSource,
  window: Window,
  onStored: (stored: StoredWindow) => void,
): Promise<Ingested> {
  if (findFault(window, receivedMs) !== undefined) {
    return { stored: false, code: 'telemetry.invalid' };
  }
  const deployment = await findDeployment(trx, fleet, window.deployment);
  if (deployment?.device !== device || deployment.digest !== window.digest) {
    return { stored: false, code: 'report.unknown-deployment' };
  }
  const { model, version, slot, rollout } = deployment;
  const labels: Labels = { fleet, device, deployment: deployment.deployment, model, version };
  const shadow = deployment.role === 'shadow';
  if (!shadow && window.comparison) return { stored: false, code: 'telemetry.invalid' };
  await trx
    .insertInto('telemetry_windows')
    .values({
      ...labels,
      slot,
      digest: window.digest,
      start_ms: window.startMs,
      window: newId(receivedMs),
      length_ms: window.lengthMs,
      inferences: window.inferences,
      errors: window.errors,
      body: packWindow(window),
      received_ms: receivedMs,
    })
    .execute();
  if (!shadow) await setLatest(trx, labels, slot, window);
  const rollUp = { labels, window, rows: shadow ? SHADOW_ROWS : ALL_ROWS };
  const after = () => onStored({ ...labels, rollout, slot, startMs: window.startMs });
  return { stored: true, after, rollUp };
}

/** Windows may come late: only a newer one takes the row. */
async function setLatest(
  trx: Kysely<Database>,
  { fleet, device, deployment, model, version }: Labels,
  slot: string,
  window: Window,
): Promise<void> {
  const values = {
    deployment,
    model,
    version,
    window_end_ms: window.startMs + window.lengthMs,
    length_ms: window.lengthMs,
    inferences: window.inferences,
    errors: window.errors,
    p50_ms: latencyMs(window, 0.5),
    p95_ms: latencyMs(window, 0.95),
    confidence: window.confidence?.mean ?? 0,
    drifted: window.drift.filter(({ drifted }) => drifted).length,
    rss_bytes: window.resources?.rssBytes ?? 0,
    temperature_c: window.resources?.temperatureC ?? 0,
    throttled: window.resources?.throttled === true ? (1 as const) : (0 as const),
  };
  await trx
    .insertInto('telemetry_latest')
    .values({ fleet, device, slot, ...values })
    .onConflict((on) =>
      on
        .columns(['fleet', 'device', 'slot'])
        .doUpdateSet(values)
        .where('telemetry_latest.window_end_ms', '<=', values.window_end_ms),
    )
    .execute();
}
