/**
 * Layout of an outbox segment: entries one after the other, each
 * `length u32 | crc32 of the body u32 | body`, little endian. A body begins with its kind.
 */
import { crc32 } from './crc32.ts';

const TOPICS = ['report', 'telemetry'] as const;
export type OutboxTopic = (typeof TOPICS)[number];

export type Entry =
  | {
      readonly kind: 'record';
      readonly seq: number;
      readonly topic: OutboxTopic;
      /** When it was made, wall-clock ms; 0 where the clock could not be trusted. */
      readonly madeMs: number;
      /** The encoded `Record` message. */
      readonly payload: Uint8Array;
    }
  | { readonly kind: 'settled'; readonly first: number; readonly last: number };

/** An entry with the place of its payload within the segment. */
export type PlacedEntry = Entry & { readonly payloadOffset: number; readonly end: number };

const FRAME = 8;
const RECORD = 18;
const SETTLED = 17;
const KIND = { record: 1, settled: 2 } as const;

export function encodeEntry(entry: Entry): Uint8Array {
  const body = entry.kind === 'record' ? RECORD + entry.payload.length : SETTLED;
  const bytes = new Uint8Array(FRAME + body);
  const view = new DataView(bytes.buffer);
  view.setUint8(FRAME, KIND[entry.kind]);
  if (entry.kind === 'record') {
    view.setUint8(FRAME + 1, TOPICS.indexOf(entry.topic));
    view.setFloat64(FRAME + 2, entry.seq, true);
    view.setFloat64(FRAME + 10, entry.madeMs, true);
    bytes.set(entry.payload, FRAME + RECORD);
  } else {
    view.setFloat64(FRAME + 1, entry.first, true);
    view.setFloat64(FRAME + 9, entry.last, true);
  }
  view.setUint32(0, body, true);
  view.setUint32(4, crc32(bytes.subarray(FRAME)), true);
  return bytes;
}

/** The entries of a segment up to the first that is cut off or damaged. */
export function* decodeEntries(bytes: Uint8Array): Generator<PlacedEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + FRAME < bytes.length; ) {
    const length = view.getUint32(at, true);
    const start = at + FRAME;
    const end = start + length;
    if (length < SETTLED || end > bytes.length) return;
    if (crc32(bytes.subarray(start, end)) !== view.getUint32(at + 4, true)) return;
    const entry = decodeBody(view, start, bytes.subarray(start + RECORD, end));
    if (entry === undefined) return;
    yield { ...entry, payloadOffset: start + RECORD, end };
    at = end;
  }
}

function decodeBody(view: DataView, start: number, payload: Uint8Array): Entry | undefined {
  const kind = view.getUint8(start);
  if (kind === KIND.settled) {
    const first = view.getFloat64(start + 1, true);
    return { kind: 'settled', first, last: view.getFloat64(start + 9, true) };
  }
  const topic = TOPICS[view.getUint8(start + 1)];
  if (kind !== KIND.record || topic === undefined) return undefined;
  const seq = view.getFloat64(start + 2, true);
  return { kind: 'record', seq, topic, madeMs: view.getFloat64(start + 10, true), payload };
}

export const PAYLOAD_OFFSET = FRAME + RECORD;
