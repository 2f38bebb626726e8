import type { Sync } from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import { bumpRevision } from './deployments.ts';
import { ingestOutcome, UNKNOWN_TIME } from './ingest.ts';
import type { Ingested, IngestHandlers, RecordSource } from './ingest-port.ts';
import { storedActive } from './presence.ts';
import { type DeviceRow, reportedDigests } from './store.ts';

type Parts = Pick<ServerContext, 'db' | 'now' | 'log' | 'changes'>;

const MAX_OUTCOMES = 256;
/** A revision is at most 32 bits on the wire of the director document. */
const MAX_REVISION = 2 ** 31;

/**
 * Takes in what a device says when it connects: what it has, and how each attempt ended. The caller
 * answers with the desired state.
 *
 * @returns false where the device is not accepted
 */
export async function ingestSync(
  { db, now, log, changes }: Parts,
  handlers: IngestHandlers,
  fleet: string,
  device: string,
  sync: Sync,
): Promise<boolean> {
  const receivedMs = now();
  const source: RecordSource = {
    fleet,
    device,
    at: sync.at ?? UNKNOWN_TIME,
    receivedMs,
    via: 'sync',
  };
  const result = await db.transaction().execute(async (trx) => {
    const row = await trx
      .updateTable('devices')
      .set({
        active: storedActive(sync.active),
        digests: JSON.stringify(reportedDigests(sync.digests)),
        last_seen_ms: receivedMs,
      })
      .where('fleet', '=', fleet)
      .where('device', '=', device)
      .where('status', '=', 'accepted')
      .returningAll()
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const results: Ingested[] = [];
    for (const outcome of sync.outcomes.slice(0, MAX_OUTCOMES)) {
      results.push(await ingestOutcome(trx, handlers, source, outcome));
    }
    results.push(await handlers.running(trx, source, sync));
    const ahead = await isAhead(trx, row, sync);
    if (ahead) await catchUp(trx, row, sync);
    return { results, ahead };
  });
  if (result === undefined) return false;
  if (result.ahead)
    log.warn({ fleet, device }, 'the device knows a newer desired state: old data?');
  for (const ingested of result.results) if (ingested.stored) ingested.after?.();
  changes.emit({ topic: 'device', fleet, id: device });
  return true;
}

/** The data is older than what the device has seen: a back-up came back without a new generation. */
async function isAhead(
  trx: Parts['db'],
  row: DeviceRow,
  { generation, revision }: Sync,
): Promise<boolean> {
  const fleet = await trx
    .selectFrom('fleets')
    .select('generation')
    .where('fleet', '=', row.fleet)
    .executeTakeFirstOrThrow();
  return generation === fleet.generation && revision > row.revision && revision < MAX_REVISION;
}

/** What is desired now must win over what the device holds; a device can only move itself ahead. */
async function catchUp(trx: Parts['db'], row: DeviceRow, { revision }: Sync): Promise<void> {
  await trx
    .updateTable('devices')
    .set({ revision })
    .where('fleet', '=', row.fleet)
    .where('device', '=', row.device)
    .execute();
  await bumpRevision(trx, row.fleet, row.device);
}
