import { type Ack, type Draft, encode, type Record as RecordMessage } from '@flotilla/protocol';
import { replaceFile } from '../durable.ts';
import type { Storage } from '../ports.ts';
import type { OutboxTopic } from './entries.ts';
import { type Log, openLog, type Place, type Segment } from './log.ts';

const FOLDER = 'outbox';
const ID_FILE = `${FOLDER}/id`;
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
  /** Records dropped by size or age, since the start. */
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
  /** The encoded record; undefined where it was settled or dropped meanwhile. */
  payload(seq: number): Promise<Uint8Array | undefined>;
  counts(): OutboxCounts;
}

interface Held extends Pending {
  readonly place: Place;
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
  const index = new Map<number, Held>();
  const { log, nextSeq } = await openLog(storage, FOLDER, limits.segmentBytes, (entry, place) => {
    if (entry.kind === 'record')
      index.set(entry.seq, { seq: entry.seq, topic: entry.topic, place });
    else forget(index, entry);
  });
  const totals = { dropped: 0, rejected: 0 };
  let seqs = nextSeq;

  const settleRange = (range: { first: number; last: number }): number => {
    const gone = forget(index, range);
    // spares sending it again after a restart
    if (gone > 0) log.note({ kind: 'settled', first: range.first, last: range.last });
    return gone;
  };

  return {
    id,
    async append(topic, record, nowMs) {
      const seq = seqs++;
      const payload = encode('Record', { ...record, outbox: id, seq });
      const place = await log.append({
        kind: 'record',
        seq,
        topic,
        madeMs: nowMs ?? UNKNOWN_MS,
        payload,
      });
      index.set(seq, { seq, topic, place });
      totals.dropped += await tidy(log, index, limits, nowMs);
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
    async payload(seq) {
      const held = index.get(seq);
      return held && log.read(held.place);
    },
    counts: () => ({ ...totals, pending: index.size, bytes: bytesOf(log.segments) }),
  };
}

async function readId(storage: Storage, newOutboxId: () => string): Promise<string> {
  const bytes = await storage.read(ID_FILE);
  const text = bytes === undefined ? '' : new TextDecoder().decode(bytes);
  if (/^[0-9a-f]{16}$/.test(text)) return text;
  const id = newOutboxId();
  await replaceFile(storage, ID_FILE, new TextEncoder().encode(id));
  return id;
}

function forget(index: Map<number, unknown>, { first, last }: { first: number; last: number }) {
  const gone = [...index.keys()].filter((seq) => seq >= first && seq <= last);
  for (const seq of gone) index.delete(seq);
  return gone.length;
}

/** Removes segments of which nothing is left, and the oldest ones beyond the limits. */
async function tidy(
  log: Log,
  index: Map<number, Held>,
  limits: OutboxLimits,
  nowMs: number | undefined,
): Promise<number> {
  let dropped = 0;
  const closed = log.segments.slice(0, -1);
  // what came before a record that is too old is too old as well
  const lastOld = closed.findLastIndex(({ newestMs }) => isOld(newestMs, limits.maxAgeMs, nowMs));
  for (const [i, segment] of closed.entries()) {
    const held = [...index.values()].filter(({ place }) => place.segment === segment);
    const fits = i > lastOld && bytesOf(log.segments) <= limits.maxBytes;
    if (held.length > 0 && fits) break;
    for (const { seq } of held) index.delete(seq);
    dropped += held.length;
    await log.remove(segment);
  }
  return dropped;
}

const isOld = (madeMs: number, maxAgeMs: number, nowMs: number | undefined): boolean =>
  nowMs !== undefined && madeMs !== UNKNOWN_MS && madeMs < nowMs - maxAgeMs;

const bytesOf = (segments: readonly Segment[]): number =>
  segments.reduce((sum, { bytes }) => sum + bytes, 0);
