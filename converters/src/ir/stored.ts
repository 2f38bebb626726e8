import { byteSize, type DataType } from './dtype.ts';
import type { Extra } from './extra.ts';
import type { TensorValue } from './tensor.ts';

/** Bytes that lie in a file until they are asked for. */
export interface StoredBytes {
  readonly length: number;
  /**
   * All of them; the store may keep them for the next call.
   *
   * @throws FlotillaError where the file is gone or was changed
   */
  read(): Uint8Array;
  /** The first `length` of them. */
  head(length: number): Uint8Array;
  /** One piece after the other; each is overwritten by the next. */
  pieces(): Iterable<Uint8Array>;
}

/**
 * A tensor whose bytes are read each time they are taken: take them once and hold them for as long
 * as they are needed. `bytes` is a property of the object itself, so that a spread copy is an
 * ordinary tensor that holds its bytes in memory.
 */
export class StoredTensor implements TensorValue {
  readonly dtype: DataType;
  readonly dims: readonly number[];
  declare readonly bytes: Uint8Array;
  readonly extra?: Extra;
  readonly #stored: StoredBytes;

  constructor(dtype: DataType, dims: readonly number[], stored: StoredBytes, extra?: Extra) {
    this.dtype = dtype;
    this.dims = dims;
    this.extra = extra;
    this.#stored = stored;
    Object.defineProperty(this, 'bytes', { enumerable: true, get: () => stored.read() });
  }

  get stored(): StoredBytes {
    return this.#stored;
  }
}

/** Where a tensor's bytes lie: in memory or in a file. */
export function storageOf(tensor: TensorValue): Uint8Array | StoredBytes {
  return tensor instanceof StoredTensor ? tensor.stored : tensor.bytes;
}

/** Bytes that a tensor's elements take, those of a string tensor aside; reads nothing. */
export function byteLength(tensor: TensorValue): number {
  const count = tensor.dims.reduce((all, dim) => all * dim, 1);
  return byteSize(tensor.dtype, count);
}

/** The first bytes of a tensor, without the rest being read. */
export function headOf(tensor: TensorValue, length: number): Uint8Array {
  const storage = storageOf(tensor);
  return storage instanceof Uint8Array ? storage.subarray(0, length) : storage.head(length);
}

/** True where two tensors have the same bytes; of those in files a part at a time is in memory. */
export function sameBytes(a: TensorValue, b: TensorValue): boolean {
  const [first, second] = [storageOf(a), storageOf(b)];
  if (first === second) return true;
  if (first.length !== second.length) return false;
  const others = piecesOf(second)[Symbol.iterator]();
  try {
    let other = new Uint8Array();
    for (let piece of piecesOf(first)) {
      while (piece.length > 0) {
        if (other.length === 0) other = others.next().value ?? other;
        const shared = Math.min(piece.length, other.length);
        if (Buffer.compare(piece.subarray(0, shared), other.subarray(0, shared)) !== 0)
          return false;
        piece = piece.subarray(shared);
        other = other.subarray(shared);
      }
    }
    return true;
  } finally {
    others.return?.();
  }
}

/** All bytes, a part of those in files at a time. */
export function piecesOf(storage: Uint8Array | StoredBytes): Iterable<Uint8Array> {
  return storage instanceof Uint8Array ? [storage] : storage.pieces();
}
