import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  MAX_OPERATIONS,
  type Operation,
  STRIDES,
  strided,
  writeHeader,
  writeVarint,
  zigzag,
} from './format.ts';
import { findMatches, type Match } from './match.ts';

/**
 * The delta between two blobs, piece by piece: the header, then a piece for each block.
 *
 * @param compress Zstandard, whole
 */
export function* encodeDelta(
  from: Uint8Array,
  to: Uint8Array,
  compress: (bytes: Uint8Array) => Uint8Array,
): Generator<Uint8Array> {
  yield writeHeader({ fromSize: from.length, toSize: to.length });
  const matches = findMatches(from, to);
  let next = 0;
  let place = 0;
  for (let start = 0; start < to.length; ) {
    const end = Math.min(start + BLOCK_BYTES, to.length);
    const taken: Match[] = [];
    for (; next < matches.length; next++) {
      const match = matches[next];
      if (match === undefined || match.at >= end || taken.length >= MAX_OPERATIONS - 1) break;
      const part = cut(match, start, end);
      if (part.length > 0) taken.push(part);
      if (match.at + match.length > end) break;
    }
    // too many operations for one block: it ends early
    const full = taken.length >= MAX_OPERATIONS - 1 ? matches[next] : undefined;
    const stop = full !== undefined && full.at < end ? Math.max(full.at, start + 1) : end;
    const block = makeBlock(from, to, { start, end: stop, place }, taken, compress);
    yield block.bytes;
    place = block.place;
    start = stop;
  }
}

/** The part of a match that lies in a block. */
function cut(match: Match, start: number, end: number): Match {
  const skip = Math.max(0, start - match.at);
  const at = match.at + skip;
  return { at, from: match.from + skip, length: Math.min(match.at + match.length, end) - at };
}

interface Extent {
  readonly start: number;
  readonly end: number;
  /** Where the block before left the old blob. */
  readonly place: number;
}

function makeBlock(
  from: Uint8Array,
  to: Uint8Array,
  { start, end, place: before }: Extent,
  matches: readonly Match[],
  compress: (bytes: Uint8Array) => Uint8Array,
) {
  const operations: Operation[] = [];
  const added: Uint8Array[] = [];
  const inserted: Uint8Array[] = [];
  let place = before;
  let at = start;
  const first = matches[0];
  if (first === undefined || first.at > start) {
    const until = first?.at ?? end;
    operations.push({ copied: 0, inserted: until - start, seek: 0 });
    inserted.push(to.subarray(start, until));
    at = until;
  }
  matches.forEach((match, i) => {
    const until = matches[i + 1]?.at ?? end;
    at = match.at + match.length;
    operations.push({ copied: match.length, inserted: until - at, seek: match.from - place });
    added.push(differences(from, to, match));
    inserted.push(to.subarray(at, until));
    place = match.from + match.length;
  });
  const control: number[] = [];
  writeVarint(control, operations.length);
  for (const { copied, inserted: fresh, seek } of operations) {
    writeVarint(control, copied);
    writeVarint(control, fresh);
    writeVarint(control, zigzag(seek));
  }
  const sum = join(added);
  const stride = bestStride(sum);
  const body = join([Uint8Array.from(control), strided(sum, stride), ...inserted]);
  return { bytes: frame(end - start, stride, compress(body)), place };
}

function frame(given: number, stride: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, given, true);
  view.setUint32(4, body.length, true);
  view.setUint8(8, stride);
  bytes.set(body, BLOCK_HEADER_BYTES);
  return bytes;
}

function differences(from: Uint8Array, to: Uint8Array, { at, from: source, length }: Match) {
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) out[i] = (to[at + i] ?? 0) - (from[source + i] ?? 0);
  return out;
}

/** The stride whose places differ most in what they hold: by the entropy of each. */
function bestStride(bytes: Uint8Array): number {
  let best: number = STRIDES[0];
  let least = Number.POSITIVE_INFINITY;
  for (const stride of STRIDES) {
    const bits = entropyBits(bytes, stride);
    // a larger one must be clearly better: what lies apart no longer compresses together
    if (bits < least * 0.98) {
      best = stride;
      least = bits;
    }
  }
  return best;
}

function entropyBits(bytes: Uint8Array, stride: number): number {
  const seen = new Int32Array(stride * 256);
  for (let i = 0; i < bytes.length; i++) {
    const cell = (i % stride) * 256 + (bytes[i] ?? 0);
    seen[cell] = (seen[cell] ?? 0) + 1;
  }
  const each = bytes.length / stride;
  let bits = 0;
  for (const count of seen) if (count > 0) bits += count * Math.log2(each / count);
  return bits;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
