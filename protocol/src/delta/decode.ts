import { FlotillaError } from '../error.ts';
import {
  BLOCK_BYTES,
  BLOCK_HEADER_BYTES,
  DELTA_MAGIC,
  DELTA_VERSION,
  type DeltaHeader,
  HEADER_BYTES,
  MAX_BODY_BYTES,
  MAX_OPERATIONS,
  type Operation,
  STRIDES,
  unstrided,
  unzigzag,
} from './format.ts';

/** Bytes of a blob or a delta that lie somewhere. */
export interface RandomAccess {
  readonly size: number;
  /** Exactly these bytes; throws where they cannot be read. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export interface DeltaInputs {
  readonly delta: RandomAccess;
  /** The old blob. */
  readonly from: RandomAccess;
  /** Size of the new blob, known from elsewhere: a delta never gives more. */
  readonly toSize: number;
  /** Zstandard, whole; throws where more than `maxBytes` come out. */
  decompress(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array>;
}

/**
 * The new blob, block by block. A delta comes from outside and is believed in nothing: whoever
 * reads it checks the digest of the whole.
 *
 * @throws FlotillaError `delta.invalid`
 */
export async function* decodeDelta(inputs: DeltaInputs): AsyncGenerator<Uint8Array> {
  const { delta, from, toSize } = inputs;
  const header = readHeader(await readOf(delta, 0, HEADER_BYTES));
  if (header.toSize !== toSize) refuse(`it makes ${header.toSize} bytes, not ${toSize}`);
  if (header.fromSize !== from.size) {
    refuse(`it is for a blob of ${header.fromSize} bytes, not of ${from.size}`);
  }
  let given = 0;
  let place = 0;
  for (let at = HEADER_BYTES; given < toSize; ) {
    const block = readBlockHeader(await readOf(delta, at, BLOCK_HEADER_BYTES), toSize - given);
    const packed = await readOf(delta, at + BLOCK_HEADER_BYTES, block.packed);
    const body = await inputs.decompress(packed, MAX_BODY_BYTES).catch((cause) => {
      throw new FlotillaError('delta.invalid', { reason: 'a block cannot be unpacked' }, { cause });
    });
    const made = await makeBlock(from, body, block, place);
    yield made.bytes;
    place = made.place;
    given += block.gives;
    at += BLOCK_HEADER_BYTES + block.packed;
  }
}

async function readOf(source: RandomAccess, offset: number, length: number): Promise<Uint8Array> {
  if (offset + length > source.size) refuse('it ends in the middle');
  return source.read(offset, length);
}

function readHeader(bytes: Uint8Array): DeltaHeader {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (new TextDecoder('latin1').decode(bytes.subarray(0, 4)) !== DELTA_MAGIC) refuse('it is none');
  const version = view.getUint32(4, true);
  if (version !== DELTA_VERSION) refuse(`its version is ${version}, this reads ${DELTA_VERSION}`);
  return {
    fromSize: Number(view.getBigUint64(8, true)),
    toSize: Number(view.getBigUint64(16, true)),
  };
}

interface Block {
  readonly gives: number;
  readonly packed: number;
  readonly stride: number;
}

function readBlockHeader(bytes: Uint8Array, left: number): Block {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [gives, packed, stride] = [view.getUint32(0, true), view.getUint32(4, true), bytes[8] ?? 0];
  if (gives === 0 || gives > BLOCK_BYTES || gives > left) refuse(`a block gives ${gives} bytes`);
  // what does not compress grows by little
  if (packed > MAX_BODY_BYTES + 4096) refuse(`a block takes ${packed} bytes`);
  if (!STRIDES.some((known) => known === stride)) refuse(`a block has stride ${stride}`);
  return { gives, packed, stride };
}

async function makeBlock(from: RandomAccess, body: Uint8Array, block: Block, before: number) {
  const { operations, copied, end } = readOperations(body, block.gives);
  if (body.length !== end + block.gives) refuse('a block has another length than it says');
  const added = unstrided(body.subarray(end, end + copied), block.stride);
  const out = new Uint8Array(block.gives);
  let place = before;
  let [at, addedAt, insertedAt] = [0, 0, end + copied];
  for (const operation of operations) {
    if (operation.copied > 0) {
      place += operation.seek;
      if (place < 0 || place + operation.copied > from.size) refuse('it copies what is not there');
      const old = await from.read(place, operation.copied);
      for (let i = 0; i < old.length; i++) out[at++] = (old[i] ?? 0) + (added[addedAt++] ?? 0);
      place += operation.copied;
    }
    out.set(body.subarray(insertedAt, insertedAt + operation.inserted), at);
    at += operation.inserted;
    insertedAt += operation.inserted;
  }
  return { bytes: out, place };
}

function readOperations(body: Uint8Array, gives: number) {
  let at = 0;
  const next = (): number => {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 0x80) {
      const byte = body[at++];
      if (byte === undefined) return refuse('a block ends in its operations');
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return refuse('a number is too long');
  };
  const count = next();
  if (count > MAX_OPERATIONS) refuse(`a block has ${count} operations`);
  const operations: Operation[] = [];
  let [copied, inserted] = [0, 0];
  for (let i = 0; i < count; i++) {
    const operation = { copied: next(), inserted: next(), seek: unzigzag(next()) };
    operations.push(operation);
    copied += operation.copied;
    inserted += operation.inserted;
  }
  if (copied + inserted !== gives) refuse(`a block makes ${copied + inserted} bytes, not ${gives}`);
  return { operations, copied, end: at };
}

function refuse(reason: string): never {
  throw new FlotillaError('delta.invalid', { reason });
}
