import { chooseVariant, type LabFigures } from '@flotilla/targets';
import type { Kysely } from 'kysely';
import type { Database } from '../db/schema.ts';
import { listVariants } from '../registry/versions.ts';
import { factsOf } from '../rollouts/choose.ts';
import { readLabels } from '../rollouts/views.ts';
import { readMeasurements, summarize } from './figures.ts';
import { type LabRunRow, readLabOrders } from './store.ts';

type Db = Kysely<Database>;

const NONE: LabFigures = { devices: 0, latencyMs: 0, failed: 0, code: '' };

/** What devices measured of a version's variants, and what each target gets for it. */
export async function viewMeasurements(
  db: Db,
  fleet: string,
  { model, version }: { readonly model: string; readonly version: number },
) {
  const variants = await listVariants(db, fleet, model, version);
  const rows = await readMeasurements(db, fleet, { model, version });
  const byDigest = Map.groupBy(rows, ({ digest }) => digest);
  const figuresOf = (digest: string) => {
    const measured = byDigest.get(digest);
    return measured === undefined ? undefined : summarize(measured);
  };
  const devices = [...new Set(rows.map(({ device }) => device))];
  const labels = await readLabels(db, fleet, devices);
  const facts = variants.map((row) => factsOf(row, figuresOf(row.digest)));
  const targets = [...new Set(variants.map(({ target }) => target))];
  return {
    model,
    version,
    variants: variants.map(({ target, precision, digest, within_budget }) => ({
      ...{ target, precision, digest, withinBudget: within_budget === 1 },
      ...(figuresOf(digest) ?? NONE),
    })),
    choices: targets.map((target) => {
      const own = facts.filter((one) => one.target === target);
      const { chosen, reason } = chooseVariant({ target, memoryBytes: 0, maxOpset: 0 }, own);
      return { target, precision: chosen?.precision ?? '', digest: chosen?.digest ?? '', reason };
    }),
    measurements: rows.map((row) => ({
      device: row.device,
      name: labels.get(row.device)?.name ?? '',
      target: row.target,
      precision: row.precision,
      digest: row.digest,
      p50Ms: row.p50_ms,
      p95Ms: row.p95_ms,
      rssBytes: row.rss_bytes,
      ...{ runtime: row.runtime, provider: row.provider, code: row.code, detail: row.detail },
      atMs: row.at_ms,
    })),
  };
}

export const summarizeRun = (row: LabRunRow) => ({
  id: row.run,
  model: row.model,
  version: row.version,
  selector: row.selector,
  state: row.state,
  timeoutMs: row.timeout_ms,
  createdBy: row.created_by,
  createdMs: row.created_ms,
  endedMs: row.ended_ms,
});

/** A run with each variant on each device, in the order in which they have their turn. */
export async function viewLabRun(db: Db, run: LabRunRow) {
  const orders = await readLabOrders(db, run);
  const devices = [...new Set(orders.map(({ device }) => device))];
  const labels = await readLabels(db, run.fleet, devices);
  return {
    ...summarizeRun(run),
    orders: orders.map((row) => ({
      device: row.device,
      name: labels.get(row.device)?.name ?? '',
      ...{ target: row.target, precision: row.precision, digest: row.digest },
      ...{ state: row.state, attempt: row.attempt, code: row.code, detail: row.detail },
      started: row.started === 1,
      sentMs: row.sent_ms,
      endedMs: row.ended_ms,
    })),
  };
}
