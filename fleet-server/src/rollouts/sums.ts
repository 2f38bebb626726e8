import type { Kysely } from 'kysely';
import { portionsOf } from '../breathe.ts';
import type { Database } from '../db/schema.ts';
import { unpackWindow } from '../telemetry/merge.ts';
import { HOUR_MS } from '../telemetry/rollups.ts';
import type { ShadowComparison, Side } from './gates/types.ts';
import { comparisonOf, mergeShadows, mergeSides, NO_SIDE, sideOf } from './sides.ts';
import { chunks } from './store.ts';

type Db = Kysely<Database>;

/** How long the sum over hours that are long past is believed: outboxes bring windows late. */
const TRUST_MS = 10 * 60_000;
/** Hours that are read at once. */
const ROWS = 600;
/** Hours that are decoded at once: the event loop is free in between. */
export const DECODED = 100;

/** Deployments whose hours of such a time are read at once. */
export const readAtOnce = (fromMs: number, toMs: number): number =>
  Math.min(400, Math.max(1, Math.floor(ROWS / Math.max(1, Math.ceil((toMs - fromMs) / HOUR_MS)))));

/** What a deployment's windows came to. */
export interface TelemetrySum {
  readonly side: Side;
  /** Where it ran as a shadow. */
  readonly comparison: ShadowComparison | undefined;
}

/** What is known of a deployment's telemetry. */
interface Known {
  /** Hours before `settledMs`. */
  readonly settled: TelemetrySum;
  readonly settledMs: number;
  readonly readMs: number;
  /** Later hours by their start, as they were read last. */
  readonly recent: Map<number, { inferences: number; errors: number; sum: TelemetrySum }>;
  /** Of both; undefined where it must be summed anew. */
  total: TelemetrySum | undefined;
}

/**
 * Telemetry of deployments, summed, as the gates ask for it again and again. It remembers what it
 * has read and reads only the hours that have changed: nothing that cannot be read anew.
 */
export interface TelemetrySums {
  /** What each deployment came to from an hour on. */
  read(
    db: Db,
    fleet: string,
    deployments: readonly string[],
    times: { readonly fromMs: number; readonly now: number },
  ): Promise<Map<string, TelemetrySum>>;
}

export function createTelemetrySums(): TelemetrySums {
  const known = new Map<string, Known>();
  return {
    async read(db, fleet, deployments, { fromMs, now }) {
      const sums = new Map<string, TelemetrySum>();
      // the hour before the present one still fills
      const settledMs = Math.max(fromMs, now - (now % HOUR_MS) - HOUR_MS);
      for (const some of chunks(deployments, 400)) {
        const cold = some.filter((id) => !isFresh(known.get(id), settledMs, now));
        for (const ids of chunks(cold, readAtOnce(fromMs, settledMs))) {
          await readSettled(db, known, { fleet, ids, fromMs, settledMs, now });
        }
        await readRecent(db, known, { fleet, ids: some, settledMs });
        for (const id of some) {
          const one = known.get(id);
          if (one === undefined) continue;
          one.total ??= [...one.recent.values()].map(({ sum }) => sum).reduce(addSums, one.settled);
          sums.set(id, one.total);
        }
      }
      return sums;
    },
  };
}

const NOTHING: TelemetrySum = { side: NO_SIDE, comparison: undefined };

function sumOf(body: Uint8Array): TelemetrySum {
  const window = unpackWindow(body);
  return { side: sideOf(window), comparison: comparisonOf(window.comparison) };
}

const addSums = (a: TelemetrySum, b: TelemetrySum): TelemetrySum => ({
  side: mergeSides(a.side, b.side),
  comparison: mergeShadows(a.comparison, b.comparison),
});

const isFresh = (known: Known | undefined, settledMs: number, now: number): boolean =>
  known !== undefined && known.settledMs === settledMs && now - known.readMs < TRUST_MS;

interface Settled {
  readonly fleet: string;
  readonly ids: readonly string[];
  readonly fromMs: number;
  readonly settledMs: number;
  readonly now: number;
}

async function readSettled(
  db: Db,
  known: Map<string, Known>,
  { fleet, ids, fromMs, settledMs, now }: Settled,
): Promise<void> {
  const sums = new Map<string, TelemetrySum>();
  if (ids.length > 0 && settledMs > fromMs) {
    const rows = await hours(db, fleet, ids)
      .select(['subject', 'body'])
      .where('start_ms', '>=', fromMs)
      .where('start_ms', '<', settledMs)
      .execute();
    for await (const some of portionsOf(rows, DECODED)) {
      for (const { subject, body } of some) {
        sums.set(subject, addSums(sums.get(subject) ?? NOTHING, sumOf(body)));
      }
    }
  }
  for (const id of ids) {
    const settled = sums.get(id) ?? NOTHING;
    known.set(id, { settled, settledMs, readMs: now, recent: new Map(), total: undefined });
  }
}

/** Counts first: a body is only fetched and decoded where its hour has got more inferences. */
async function readRecent(
  db: Db,
  known: ReadonlyMap<string, Known>,
  { fleet, ids, settledMs }: Pick<Settled, 'fleet' | 'ids' | 'settledMs'>,
): Promise<void> {
  if (ids.length === 0) return;
  const counts = await hours(db, fleet, ids)
    .select(['subject', 'start_ms', 'inferences', 'errors'])
    .where('start_ms', '>=', settledMs)
    .execute();
  const changed = counts.filter(({ subject, start_ms, inferences, errors }) => {
    const before = known.get(subject)?.recent.get(start_ms);
    return before?.inferences !== inferences || before.errors !== errors;
  });
  if (changed.length === 0) return;
  const rows = await hours(db, fleet, [...new Set(changed.map(({ subject }) => subject))])
    .select(['subject', 'start_ms', 'inferences', 'errors', 'body'])
    .where('start_ms', '>=', settledMs)
    .execute();
  for await (const some of portionsOf(rows, DECODED)) {
    for (const { subject, start_ms, inferences, errors, body } of some) {
      const one = known.get(subject);
      if (one === undefined) continue;
      one.recent.set(start_ms, { inferences, errors, sum: sumOf(body) });
      one.total = undefined;
    }
  }
}

const hours = (db: Db, fleet: string, subjects: readonly string[]) =>
  db
    .selectFrom('telemetry_rollups')
    .where('fleet', '=', fleet)
    .where('scope', '=', 'deployment')
    .where('subject', 'in', subjects)
    .where('grain_ms', '=', HOUR_MS);
