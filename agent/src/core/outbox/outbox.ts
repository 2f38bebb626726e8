import { type Ack, type Draft, encode, type Record as RecordMessage } from '@flotilla/protocol';
import { createQueue, replaceFile } from '../durable.ts';
import type { Storage } from '../ports.ts';
import { openDrops } from './drops.ts';
import type { Entry, OutboxTopic } from './entries.ts';
import { type Log, openLog, type Place, type Segment } from './log.ts';

const FOLDER = 'outbox';
const ID_FILE = `${FOLDER}/id`;
const DROPS_FILE = `${FOLDER}/dropped.json`;
/** Ranges of one acknowledgement that are looked at: a hostile one may name millions. */
const MAX_RANGES = 4096;
/** Stands on disk where nobody knew the time. */
const UNKNOWN_MS = 0;

export interface OutboxLimits {
  /** Bytes on disk; beyond them the oldest records are dropped. */
  readonly maxBytes: number;
  /** Age after which records are dropped, of those that were made at a time one can trust. */
  readonly maxAgeMs: number;
  readonly segmentBytes: number;
}

export const OUTBOX_LIMITS: OutboxLimits = {
  maxBytes: 16 << 20,
  maxAgeMs: 14 * 86_400_000,
  segmentBytes: 256 << 10,
};

export interface Pending {
  readonly seq: number;
  readonly topic: OutboxTopic;
}

export interface OutboxCounts {
  readonly pending: number;
  readonly bytes: number;
  /** Records dropped by size or age, since the outbox was made. */
  readonly dropped: number;
  /** Records that the server refused, since the start. */
  readonly rejected: number;
}

export type RecordDraft = Omit<Draft<RecordMessage>, 'outbox' | 'seq'>;

/** Records on their way to the server, keyed (device, outbox, seq); `seq` never restarts. */
export interface Outbox {
  readonly id: string;
  /**
   * Resolves with the sequence number once the record is on the medium.
   *
   * @param nowMs wall-clock ms; undefined while the clock may be wrong: a device that wakes up in
   *   1970 must not find all that it has to be too old when it learns the time
   */
  append(topic: OutboxTopic, record: RecordDraft, nowMs: number | undefined): Promise<number>;
  /** Removes what the server stored or rejected, and nothing else. */
  settle(ack: Ack): void;
  /** Records after that sequence number, oldest first. */
  pending(after: number, limit: number): Pending[];
  has(seq: number): boolean;
  /** Drops what is too old by now: a device that was away for long sends nothing that is stale. */
  expire(nowMs: number | undefined): Promise<void>;
  /** The encoded record; undefined where it was settled or dropped meanwhile. */
  payload(seq: number): Promise<Uint8Array | undefined>;
  counts(): OutboxCounts;
}

interface Held extends Pending {
  readonly place: Place;
  readonly madeMs: number;
}

/**
 * Opens the outbox, or makes one with a new random id (16 hex digits): a wiped card must not
 * continue the sequence of the one before it.
 */
export async function openOutbox(
  storage: Storage,
  newOutboxId: () => string,
  limits: OutboxLimits = OUTBOX_LIMITS,
): Promise<Outbox> {
  await storage.makeFolder(FOLDER);
  const id = await readId(storage, newOutboxId);
  const drops = await openDrops(storage, DROPS_FILE);
  const index = new Map<number, Held>();
  const take = (entry: Entry, place: Place) => {
    if (entry.kind === 'settled') forget(index, entry);
    else if (entry.seq > drops.through) index.set(entry.seq, { ...headOf(entry), place });
  };
  const log = await openLog(storage, FOLDER, limits.segmentBytes, drops.through + 1, take);
  const totals = { rejected: 0 };
  const tidying = createQueue();

  const settleRange = (range: { first: number; last: number }): number => {
    const gone = forget(index, range);
    // spares sending it again after a restart
    if (gone > 0) log.note({ kind: 'settled', first: range.first, last: range.last });
    return gone;
  };

  async function tidy(nowMs: number | undefined): Promise<void> {
    const tooOld = nowMs === undefined ? 0 : lastTooOld(index, limits.maxAgeMs, nowMs);
    const last = Math.max(tooOld, lastBeyondSize(log, index, limits.maxBytes));
    const count = forget(index, { first: 0, last });
    // without room for the count, it holds until the next start
    if (count > 0) await drops.add(count, last).catch(() => undefined);
    await removeEmpty(log, index);
  }

  return {
    id,
    async append(topic, record, nowMs) {
      const madeMs = nowMs ?? UNKNOWN_MS;
      const { seq, place } = await log.append((number) => {
        const payload = encode('Record', { ...record, outbox: id, seq: number });
        return { kind: 'record', seq: number, topic, madeMs, payload };
      });
      index.set(seq, { seq, topic, madeMs, place });
      // the record is stored, whatever becomes of the old ones: the next call tries again
      await tidying(() => tidy(nowMs)).catch(() => undefined);
      return seq;
    },
    settle(ack) {
      if (ack.outbox !== id) return;
      for (const range of ack.stored.slice(0, MAX_RANGES)) settleRange(range);
      for (const { range } of ack.rejected.slice(0, MAX_RANGES)) {
        if (range) totals.rejected += settleRange(range);
      }
    },
    pending(after, limit) {
      const found: Pending[] = [];
      for (const { seq, topic } of index.values()) {
        if (found.length >= limit) break;
        if (seq > after) found.push({ seq, topic });
      }
      return found;
    },
    has: (seq) => index.has(seq),
    expire: (nowMs) => tidying(() => tidy(nowMs)),
    async payload(seq) {
      const held = index.get(seq);
      return held && log.read(held.place);
    },
    counts: () => ({
      ...totals,
      dropped: drops.count,
      pending: index.size,
      bytes: bytesOf(log.segments),
    }),
  };
}

const headOf = ({ seq, topic, madeMs }: Omit<Held, 'place'>) => ({ seq, topic, madeMs });

async function readId(storage: Storage, newOutboxId: () => string): Promise<string> {
  const bytes = await storage.read(ID_FILE);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
  if (/^[0-9a-f]{16}$/.test(text)) return text;
  const id = newOutboxId();
  await replaceFile(storage, ID_FILE, new TextEncoder().encode(id));
  return id;
}

function forget(index: Map<number, unknown>, { first, last }: { first: number; last: number }) {
  const before = index.size;
  // in the order of their numbers
  for (const seq of index.keys()) {
    if (seq > last) break;
    if (seq >= first) index.delete(seq);
  }
  return before - index.size;
}

/** The newest of the records that are too old; 0 where none is. */
function lastTooOld(index: ReadonlyMap<number, Held>, maxAgeMs: number, nowMs: number): number {
  let last = 0;
  for (const { seq, madeMs } of index.values()) {
    if (isOld(madeMs, maxAgeMs, nowMs)) last = seq;
    else if (madeMs !== UNKNOWN_MS) break;
  }
  // what came before a record that is too old is too old as well
  return last;
}

/** The newest record of the closed segments that are beyond the size, oldest first; 0 for none. */
function lastBeyondSize(log: Log, index: ReadonlyMap<number, Held>, maxBytes: number): number {
  let excess = bytesOf(log.segments) - maxBytes;
  const beyond = new Set<Segment>();
  for (const segment of log.segments.slice(0, -1)) {
    if (excess <= 0) break;
    beyond.add(segment);
    excess -= segment.bytes;
  }
  let last = 0;
  for (const { seq, place } of index.values()) {
    if (!beyond.has(place.segment)) break;
    last = seq;
  }
  return last;
}

/** Removes the closed segments before the one that holds the oldest record. */
async function removeEmpty(log: Log, index: ReadonlyMap<number, Held>): Promise<void> {
  const [oldest] = index.values();
  for (const segment of log.segments.slice(0, -1)) {
    if (segment === oldest?.place.segment) break;
    await log.remove(segment);
  }
}

const isOld = (madeMs: number, maxAgeMs: number, nowMs: number): boolean =>
  madeMs !== UNKNOWN_MS && madeMs < nowMs - maxAgeMs;

const bytesOf = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { bytes }) => sum + bytes, 0);
