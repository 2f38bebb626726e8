import type { Window } from '@flotilla/protocol';
import type { Kysely, Selectable } from 'kysely';
import type { Database } from '../db/schema.ts';
import type { TelemetryLatestTable } from '../db/schema-telemetry.ts';
import { addCounts, emptyWindow, latencyMs, mergeWindows, unpackWindow } from './merge.ts';
import { HOUR_MS, MINUTE_MS } from './rollups.ts';

type Db = Kysely<Database>;

/** The newest window of each slot of a device, or of every device. */
export async function readLatest(
  db: Db,
  fleet: string,
  device?: string,
): Promise<Selectable<TelemetryLatestTable>[]> {
  const query = db.selectFrom('telemetry_latest').selectAll().where('fleet', '=', fleet);
  return (device === undefined ? query : query.where('device', '=', device))
    .orderBy('device')
    .orderBy('slot')
    .execute();
}

/** What is asked of the roll-ups; `device` undefined: the whole fleet. Times are wall-clock ms. */
export interface SeriesQuery {
  readonly fleet: string;
  readonly device?: string | undefined;
  readonly model?: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly grain: 'minute' | 'hour';
}

export interface SeriesPoint {
  readonly startMs: number;
  readonly model: string;
  readonly version: number;
  readonly inferences: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  /** Mean top-1 probability; 0 where none was measured. */
  readonly confidence: number;
  readonly rssBytes: number;
  readonly temperatureC: number;
}

/** Points in order of time, one for each version that ran. */
export async function readSeries(db: Db, query: SeriesQuery): Promise<SeriesPoint[]> {
  const merged = await readMerged(db, query, ({ model, version, startMs }) =>
    [startMs, model, version].join(' '),
  );
  return merged
    .map((window) => ({
      startMs: window.startMs,
      model: window.model,
      version: window.version,
      inferences: window.inferences,
      errors: window.errors,
      p50Ms: latencyMs(window, 0.5),
      p95Ms: latencyMs(window, 0.95),
      confidence: window.confidence?.mean ?? 0,
      rssBytes: window.resources?.rssBytes ?? 0,
      temperatureC: window.resources?.temperatureC ?? 0,
    }))
    .sort((a, b) => a.startMs - b.startMs || a.version - b.version);
}

export interface VersionSummary {
  readonly model: string;
  readonly version: number;
  readonly inferences: number;
  readonly errors: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly confidence: number;
  /** Predictions by class index. */
  readonly classCounts: readonly number[];
  readonly confidenceBins: readonly number[];
}

/** Everything between two times, by version: class histograms side by side. */
export async function readVersions(db: Db, query: SeriesQuery): Promise<VersionSummary[]> {
  const merged = await readMerged(db, query, ({ model, version }) => `${model} ${version}`);
  return merged
    .map((window) => ({
      model: window.model,
      version: window.version,
      inferences: window.inferences,
      errors: window.errors,
      p50Ms: latencyMs(window, 0.5),
      p95Ms: latencyMs(window, 0.95),
      confidence: window.confidence?.mean ?? 0,
      classCounts: addCounts(window.classCounts, []),
      confidenceBins: window.confidenceBins,
    }))
    .sort((a, b) => (a.model < b.model ? -1 : a.model > b.model ? 1 : a.version - b.version));
}

async function readMerged(
  db: Db,
  query: SeriesQuery,
  group: (label: Pick<Window, 'model' | 'version' | 'startMs'>) => string,
): Promise<Window[]> {
  let rows = db
    .selectFrom('telemetry_rollups')
    .select(['model', 'version', 'start_ms', 'body'])
    .where('fleet', '=', query.fleet)
    .where('scope', '=', query.device === undefined ? 'fleet' : 'device')
    .where('grain_ms', '=', query.grain === 'minute' ? MINUTE_MS : HOUR_MS)
    .where('start_ms', '>=', query.fromMs)
    .where('start_ms', '<', query.toMs);
  if (query.device !== undefined) rows = rows.where('subject', '=', query.device);
  if (query.model !== undefined) rows = rows.where('model', '=', query.model);
  const groups = new Map<string, Window>();
  for (const { model, version, start_ms, body } of await rows.orderBy('start_ms').execute()) {
    const label = { model, version, startMs: start_ms };
    const key = group(label);
    const known = groups.get(key) ?? { ...emptyWindow(), ...label };
    groups.set(key, mergeWindows(known, unpackWindow(body)));
  }
  return [...groups.values()];
}
