import { createQueue } from '../durable.ts';
import type { Storage } from '../ports.ts';
import { decodeEntries, type Entry, encodeEntry, PAYLOAD_OFFSET } from './entries.ts';

type RecordEntry = Entry & { readonly kind: 'record' };

export interface Segment {
  readonly path: string;
  bytes: number;
  /** When its newest record was made, wall-clock ms. */
  newestMs: number;
}

/** Where a record's payload lies. */
export interface Place {
  readonly segment: Segment;
  readonly offset: number;
  readonly length: number;
}

/** An append log in segments; what a power cut tore off is skipped when it is opened. */
export interface Log {
  /** Oldest first. The newest is never to be removed: its name carries the sequence on. */
  readonly segments: readonly Segment[];
  /**
   * Resolves once the record is on the medium; those that wait share one append and one sync. A number
   * is given with the write, and again where that failed, so that a gap between numbers is a loss.
   *
   * @param make the record under its sequence number
   */
  append(make: (seq: number) => RecordEntry): Promise<Stored>;
  /** Goes with the next record, or is lost. */
  note(entry: Entry): void;
  read(place: Place): Promise<Uint8Array | undefined>;
  remove(segment: Segment): Promise<void>;
}

/** A record on the medium. */
export interface Stored {
  readonly seq: number;
  readonly place: Place;
}

interface WaitingRecord {
  readonly make: (seq: number) => RecordEntry;
  readonly resolve: (stored: Stored) => void;
  readonly reject: (error: unknown) => void;
}

const NAME = /^(\d{16})\.log$/;

/**
 * Opens the segments of a folder.
 *
 * @param least no number below is given; else the first that no segment's name or record has used
 * @param take called for every sound entry, oldest first
 */
export async function openLog(
  storage: Storage,
  folder: string,
  segmentBytes: number,
  least: number,
  take: (entry: Entry, place: Place) => void,
): Promise<Log> {
  const loaded = await load(storage, folder, take);
  const { segments } = loaded;
  let nextSeq = Math.max(loaded.nextSeq, least);
  const queue = createQueue();
  // each start begins a segment of its own, because the last one may end in a torn entry
  let current: Segment | undefined;
  let waiting: (WaitingRecord | Entry)[] = [];
  /** Highest number that may lie there with a record that was refused; it will be given again. */
  let refused = 0;

  async function begin(seq: number): Promise<Segment> {
    const path = `${folder}/${String(seq).padStart(16, '0')}.log`;
    await storage.write(path, new Uint8Array());
    await storage.sync(path);
    await storage.syncFolder(folder);
    const same = segments.findIndex((segment) => segment.path === path);
    if (same >= 0) segments.splice(same, 1);
    const segment = { path, bytes: 0, newestMs: 0 };
    segments.push(segment);
    return segment;
  }

  async function write(entries: readonly Entry[]): Promise<Stored[]> {
    if (current === undefined || current.bytes >= segmentBytes) current = await begin(nextSeq);
    const segment = current;
    const parts = entries.map(encodeEntry);
    await storage.append(segment.path, join(parts));
    await storage.sync(segment.path);
    const stored: Stored[] = [];
    for (const [i, entry] of entries.entries()) {
      const offset = segment.bytes + PAYLOAD_OFFSET;
      segment.bytes += parts[i]!.length;
      if (entry.kind !== 'record') continue;
      segment.newestMs = Math.max(segment.newestMs, entry.madeMs);
      const place = { segment, offset, length: entry.payload.length };
      stored.push({ seq: entry.seq, place });
    }
    return stored;
  }

  async function flush(): Promise<void> {
    const group = waiting;
    const records = group.filter((one) => 'make' in one);
    if (records.length === 0) return;
    waiting = [];
    const first = nextSeq;
    let seq = first;
    try {
      // before the records that get these numbers now
      const voided: Entry[] = refused < first ? [] : [{ kind: 'settled', first, last: refused }];
      const entries = group.map((one) => ('make' in one ? one.make(seq++) : one));
      const stored = await write([...voided, ...entries]);
      nextSeq = seq;
      refused = 0;
      for (const [i, { resolve }] of records.entries()) resolve(stored[i]!);
    } catch (error) {
      // later records must not lie behind what was half written
      current = undefined;
      // they may lie there whole where only the sync failed
      refused = Math.max(refused, first + records.length - 1);
      for (const { reject } of records) reject(error);
    }
  }

  const log: Log = {
    segments,
    append: (make) =>
      new Promise((resolve, reject) => {
        waiting.push({ make, resolve, reject });
        queue(flush).catch(reject);
      }),
    note: (entry) => {
      waiting.push(entry);
    },
    read: ({ segment, offset, length }) => storage.readRange(segment.path, offset, length),
    remove: (segment) =>
      queue(async () => {
        const at = segments.indexOf(segment);
        if (at < 0 || at === segments.length - 1) return;
        segments.splice(at, 1);
        await storage.remove(segment.path);
      }),
  };
  return log;
}

async function load(
  storage: Storage,
  folder: string,
  take: (entry: Entry, place: Place) => void,
): Promise<{ segments: Segment[]; nextSeq: number }> {
  await storage.makeFolder(folder);
  const segments: Segment[] = [];
  let nextSeq = 1;
  for (const name of await storage.list(folder)) {
    const first = NAME.exec(name)?.[1];
    if (first === undefined) continue;
    const path = `${folder}/${name}`;
    const bytes = (await storage.read(path)) ?? new Uint8Array();
    const segment = { path, bytes: bytes.length, newestMs: 0 };
    segments.push(segment);
    nextSeq = Math.max(nextSeq, Number(first));
    for (const entry of decodeEntries(bytes)) {
      if (entry.kind === 'record') {
        segment.newestMs = Math.max(segment.newestMs, entry.madeMs);
        nextSeq = Math.max(nextSeq, entry.seq + 1);
      }
      const length = entry.kind === 'record' ? entry.payload.length : 0;
      take(entry, { segment, offset: entry.payloadOffset, length });
    }
  }
  return { segments, nextSeq };
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
