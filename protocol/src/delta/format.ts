/**
 * A delta makes one blob out of another that the reader has: a header, then blocks, each of which
 * gives the next bytes of the new blob. A block is compressed by itself and can be read by itself,
 * so that a reader needs memory for one block only, whatever the size of the blobs.
 *
 * Header, little endian: magic "FLDT" (4), version (4), size of the old blob (8), size of the new
 * blob (8). Block: bytes that it gives (4), bytes that follow (4), stride (1), then the compressed
 * body. Body: number of operations, then for each the bytes copied, the bytes inserted, and how far
 * the place in the old blob moves before the copy (zigzag), all as varints (LEB128); then what is
 * added to each copied byte, modulo 256, and then the inserted bytes. The added bytes lie by stride:
 * first those at 0, n, 2n, …, then those at 1, n + 1, …: with the size of a weight as n its slow
 * bytes lie together.
 */
export const DELTA_VERSION = 1;
export const DELTA_MAGIC = 'FLDT';
export const HEADER_BYTES = 24;
export const BLOCK_HEADER_BYTES = 9;
/** Bytes that one block gives at most. */
export const BLOCK_BYTES = 256 << 10;
/** Operations of one block at most: each costs the reader a read. */
export const MAX_OPERATIONS = 2048;
/** A number and three varints of at most 8 bytes for each operation. */
const MAX_CONTROL_BYTES = 8 + MAX_OPERATIONS * 24;
/** A body before compression is at most so long. */
export const MAX_BODY_BYTES = BLOCK_BYTES + MAX_CONTROL_BYTES;
export const STRIDES = [1, 2, 4, 8] as const;

export interface DeltaHeader {
  readonly fromSize: number;
  readonly toSize: number;
}

/** Copies `copied` bytes of the old blob, moved by `seek`, with something added; then inserts. */
export interface Operation {
  readonly copied: number;
  readonly inserted: number;
  readonly seek: number;
}

export function writeHeader({ fromSize, toSize }: DeltaHeader): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(new TextEncoder().encode(DELTA_MAGIC));
  const view = new DataView(bytes.buffer);
  view.setUint32(4, DELTA_VERSION, true);
  view.setBigUint64(8, BigInt(fromSize), true);
  view.setBigUint64(16, BigInt(toSize), true);
  return bytes;
}

/** Appends a number as LEB128. */
export function writeVarint(out: number[], value: number): void {
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) out.push((rest % 0x80) | 0x80);
  out.push(rest);
}

export const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);
export const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/** Where the byte at `index` of `length` lies by stride: see above. */
export function strided(source: Uint8Array, stride: number): Uint8Array {
  if (stride === 1) return source;
  const out = new Uint8Array(source.length);
  let at = 0;
  for (let phase = 0; phase < stride; phase++) {
    for (let i = phase; i < source.length; i += stride) out[at++] = source[i] ?? 0;
  }
  return out;
}

/** The reverse of `strided`. */
export function unstrided(source: Uint8Array, stride: number): Uint8Array {
  if (stride === 1) return source;
  const out = new Uint8Array(source.length);
  let at = 0;
  for (let phase = 0; phase < stride; phase++) {
    for (let i = phase; i < source.length; i += stride) out[i] = source[at++] ?? 0;
  }
  return out;
}
