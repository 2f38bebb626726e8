import { decode, isFlotillaError, type Record as OutboxRecord } from '@flotilla/protocol';
import type { Kysely } from 'kysely';
import type { ServerContext } from '../context.ts';
import type { Database } from '../db/schema.ts';
import { type Arrival, acknowledge, type Settled } from './acks.ts';
import { applyOutcome } from './deployments.ts';
import type { Ingested, IngestHandlers, RecordSource } from './ingest-port.ts';
import { forgetOldOutboxes, readRanges, touch, writeRanges } from './outboxes.ts';
import { includes, withoutOldestGaps, withSeq } from './ranges.ts';

export interface Ingest {
  /** Takes a payload of `up/report` or `up/telemetry`; it is acknowledged once it is on the disk. */
  take(fleet: string, device: string, payload: Uint8Array): void;
  /** Waits until everything taken is dealt with. */
  idle(): Promise<void>;
}

type Parts = Pick<ServerContext, 'transactAll' | 'dialect' | 'now' | 'log' | 'broker'>;

const BATCH = 200;
/** Above that the server is overloaded: what is dropped is not acknowledged, so devices repeat it. */
const MAX_QUEUED_BYTES = 64 << 20;
/** What a queued record takes beside its payload. */
const RECORD_BYTES = 1024;
/** Gaps of an outbox that are remembered. */
const MAX_RANGES = 500;
/** A device makes a new outbox when its card is wiped. */
const MAX_OUTBOXES = 16;
const MAX_SEQ = 2 ** 48;
/** Of a record whose sender did not say when it made it. */
export const UNKNOWN_TIME = { wallMs: 0, monotonicMs: 0, clockSynced: false };
const OUTBOX = /^[0-9a-f]{16}$/;

/**
 * Takes in outbox records: many in one transaction, each at most once by its key (device, outbox,
 * seq), acknowledged by ranges only after the commit.
 */
export function createIngest(parts: Parts, handlers: IngestHandlers): Ingest {
  const queue: (Arrival & { readonly bytes: number })[] = [];
  let queuedBytes = 0;
  let dropped = 0;
  let running: Promise<void> | undefined;

  const drain = async () => {
    while (queue.length > 0) {
      const batch = queue.splice(0, BATCH);
      await ingestBatch(parts, handlers, batch);
      for (const { bytes } of batch) queuedBytes -= bytes;
    }
    running = undefined;
    if (dropped > 0)
      parts.log.warn({ dropped }, 'overloaded: records were dropped, devices repeat them');
    dropped = 0;
  };

  return {
    take(fleet, device, payload) {
      const record = readRecord(parts, fleet, device, payload);
      if (record === undefined) return;
      const bytes = payload.length + RECORD_BYTES;
      if (queuedBytes + bytes > MAX_QUEUED_BYTES) {
        dropped++;
        return;
      }
      queuedBytes += bytes;
      queue.push({ fleet, device, record, receivedMs: parts.now(), bytes });
      running ??= drain();
    },
    idle: async () => running,
  };
}

/** A record without a key cannot even be rejected by name. */
function readRecord(
  { log }: Parts,
  fleet: string,
  device: string,
  payload: Uint8Array,
): OutboxRecord | undefined {
  try {
    const record = decode('Record', payload);
    const keyed = OUTBOX.test(record.outbox) && record.seq >= 0 && record.seq < MAX_SEQ;
    if (keyed) return record;
    log.warn({ fleet, device }, 'a record without a valid outbox or seq is ignored');
  } catch (error) {
    if (!isFlotillaError(error)) throw error;
    log.warn({ fleet, device, reason: error.message }, 'a record is ignored');
  }
  return undefined;
}

/** One transaction for all; where that fails, one for each, so that none holds up the others. */
async function ingestBatch(
  parts: Parts,
  handlers: IngestHandlers,
  batch: readonly Arrival[],
): Promise<void> {
  try {
    const settled = await ingestTogether(parts, handlers, batch);
    for (const { result } of settled) if (result.stored) result.after?.();
    acknowledge(parts, settled);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    parts.log.error({ records: batch.length, reason }, 'records not stored; devices repeat them');
    if (batch.length === 1) return;
    for (const arrival of batch) await ingestBatch(parts, handlers, [arrival]);
  }
}

/** Each outbox by itself, in the order of its records; sums over all of them come last. */
async function ingestTogether(
  parts: Parts,
  handlers: IngestHandlers,
  batch: readonly Arrival[],
): Promise<Settled[]> {
  const settled = await parts.transactAll(
    byOutbox(batch),
    (trx, arrivals) => ingestOutbox(parts, trx, handlers, arrivals),
    async (trx, taken) => {
      const additions = taken.flat().flatMap(({ result }) => {
        return result.stored && result.rollUp !== undefined ? [result.rollUp] : [];
      });
      if (additions.length > 0) await handlers.rollUp(trx, additions);
    },
  );
  return settled.flat();
}

/** A device that is not accepted is not heard, whatever the broker lets through. */
async function ingestOutbox(
  { dialect, now }: Pick<Parts, 'dialect' | 'now'>,
  trx: Kysely<Database>,
  handlers: IngestHandlers,
  arrivals: readonly [Arrival, ...Arrival[]],
): Promise<Settled[]> {
  const [{ fleet, device, record }] = arrivals;
  await dialect.lock(trx, `outbox ${device} ${record.outbox}`);
  if (!(await touch(trx, fleet, device, now()))) return [];
  const before = await readRanges(trx, fleet, device, record.outbox);
  const settled: Settled[] = [];
  let ranges = before;
  for (const arrival of arrivals) {
    const { seq } = arrival.record;
    const result = includes(ranges, seq)
      ? ({ stored: true } as const)
      : await ingestOne(trx, handlers, arrival);
    if (result.stored) ranges = withoutOldestGaps(withSeq(ranges, seq), MAX_RANGES);
    settled.push({ arrival, result });
  }
  if (ranges === before) return settled;
  await writeRanges(trx, fleet, device, record.outbox, ranges, now());
  if (before.length === 0) await forgetOldOutboxes(trx, fleet, device, MAX_OUTBOXES);
  return settled;
}

/** In a fixed order, so that two servers that lock several outboxes never wait for each other. */
function byOutbox(batch: readonly Arrival[]): (readonly [Arrival, ...Arrival[]])[] {
  const groups = new Map<string, [Arrival, ...Arrival[]]>();
  for (const arrival of batch) {
    const key = `${arrival.fleet} ${arrival.device} ${arrival.record.outbox}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [arrival]);
    else group.push(arrival);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

async function ingestOne(
  trx: Kysely<Database>,
  handlers: IngestHandlers,
  arrival: Arrival,
): Promise<Ingested> {
  const { fleet, device, record, receivedMs } = arrival;
  const source: RecordSource = {
    fleet,
    device,
    at: record.at ?? UNKNOWN_TIME,
    receivedMs,
    via: 'outbox',
  };
  if (record.window != null) return handlers.window(trx, source, record.window);
  if (record.outcome == null) return { stored: false, code: 'record.empty' };
  return ingestOutcome(trx, handlers, source, record.outcome);
}

/** What a device says of a deployment: into the deployment's row, then to the rollout. */
export async function ingestOutcome(
  trx: Kysely<Database>,
  handlers: IngestHandlers,
  source: RecordSource,
  outcome: NonNullable<OutboxRecord['outcome']>,
): Promise<Ingested> {
  const applied = await applyOutcome(trx, source.fleet, source.device, outcome, source.receivedMs);
  if (applied.kind === 'rejected') return { stored: false, code: applied.code };
  if (applied.kind === 'known') return { stored: true };
  return handlers.outcome(trx, source, outcome, applied.deployment);
}
