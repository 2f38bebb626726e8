import type { LabFigures } from '@flotilla/targets';
import type { Kysely, Selectable } from 'kysely';
import type { Database, MeasurementsTable } from '../db/schema.ts';

export type MeasurementRow = Selectable<MeasurementsTable>;

/** What the lab knows of a version's variants, by digest. */
export async function readFigures(
  db: Kysely<Database>,
  fleet: string,
  { model, version }: { readonly model: string; readonly version: number },
): Promise<Map<string, LabFigures>> {
  const rows = await readMeasurements(db, fleet, { model, version });
  const byDigest = Map.groupBy(rows, ({ digest }) => digest);
  return new Map([...byDigest].map(([digest, some]) => [digest, summarize(some)]));
}

export async function readMeasurements(
  db: Kysely<Database>,
  fleet: string,
  { model, version }: { readonly model: string; readonly version: number },
): Promise<MeasurementRow[]> {
  return db
    .selectFrom('measurements')
    .selectAll()
    .where('fleet', '=', fleet)
    .where('model', '=', model)
    .where('version', '=', version)
    .orderBy('target')
    .orderBy('precision')
    .orderBy('device')
    .execute();
}

/** Median over the devices that ran it. */
export function summarize(rows: readonly Pick<MeasurementRow, 'code' | 'p50_ms'>[]): LabFigures {
  const ran = rows.filter(({ code }) => code === '').map(({ p50_ms }) => p50_ms);
  const failed = rows.filter(({ code }) => code !== '').map(({ code }) => code);
  return {
    devices: ran.length,
    latencyMs: median(ran),
    failed: failed.length,
    code: mostFrequent(failed),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[sorted.length >> 1] ?? 0;
  const lower = sorted[(sorted.length - 1) >> 1] ?? 0;
  return (lower + upper) / 2;
}

function mostFrequent(texts: readonly string[]): string {
  const counts = [...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length]);
  const [first] = counts.toSorted((a, b) => Number(b[1]) - Number(a[1]));
  return String(first?.[0] ?? '');
}
