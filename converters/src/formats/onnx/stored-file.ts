import { type BigIntStats, closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { FlotillaError } from '@flotilla/protocol';
import type { StoredBytes } from '../../ir/stored.ts';

const PIECE_BYTES = 4 << 20;
/** Node refuses to read 2 GiB or more in one go (ERR_OUT_OF_RANGE from fs.readSync). */
const MOST_AT_ONCE = 1 << 30;

/**
 * A file whose parts are read when they are asked for. It must stay as it was when it was opened:
 * size, time of change and inode are compared at every read.
 */
export class StoredFile {
  readonly size: number;
  readonly path: string;
  readonly #known: BigIntStats;
  readonly #recent: RecentBytes;
  readonly #parts = new Map<string, StoredBytes>();

  /** @throws Error where there is no such file */
  constructor(path: string, recent: RecentBytes) {
    this.path = path;
    this.#recent = recent;
    this.#known = statSync(path, { bigint: true });
    this.size = Number(this.#known.size);
  }

  /** The bytes from `offset` on, which must lie within the file. One part is one object. */
  part(offset: number, length: number): StoredBytes {
    const key = `${offset} ${length}`;
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const part: StoredBytes = {
      length,
      read: () => this.#recent.get(part, () => this.readNow(offset, length)),
      head: (wanted) => this.readNow(offset, Math.min(wanted, length)),
      pieces: () => this.#pieces(offset, length),
    };
    this.#parts.set(key, part);
    return part;
  }

  /** @throws FlotillaError `model.not-onnx` where the file is gone or was changed */
  readNow(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    if (length === 0) return bytes;
    const handle = this.#open();
    try {
      this.#fill(handle, bytes, offset);
    } finally {
      closeSync(handle);
    }
    return bytes;
  }

  *#pieces(offset: number, length: number): Iterable<Uint8Array> {
    const buffer = new Uint8Array(Math.min(PIECE_BYTES, length));
    const handle = this.#open();
    try {
      for (let done = 0; done < length; done += buffer.length) {
        const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
        this.#fill(handle, piece, offset + done);
        yield piece;
      }
    } finally {
      closeSync(handle);
    }
  }

  #open(): number {
    let handle: number;
    try {
      handle = openSync(this.path, 'r');
    } catch (cause) {
      throw this.#failed('it is gone', cause);
    }
    const { dev, ino, size, mtimeNs } = fstatSync(handle, { bigint: true });
    const known = this.#known;
    if (dev === known.dev && ino === known.ino && size === known.size && mtimeNs === known.mtimeNs)
      return handle;
    closeSync(handle);
    throw this.#failed('it was changed while it was in use');
  }

  #fill(handle: number, bytes: Uint8Array, offset: number): void {
    for (let done = 0; done < bytes.length; ) {
      const wanted = Math.min(bytes.length - done, MOST_AT_ONCE);
      const count = readSync(handle, bytes, done, wanted, offset + done);
      if (count === 0) throw this.#failed('it ends early');
      done += count;
    }
  }

  #failed(reason: string, cause?: unknown): FlotillaError {
    return new FlotillaError('model.not-onnx', { file: this.path, reason }, { cause });
  }
}

/**
 * What was read last, so that a constant taken again and again is read once. Two of any size are
 * kept, because code compares two; more only up to the limit.
 */
export class RecentBytes {
  readonly #limit: number;
  readonly #kept = new Map<object, Uint8Array>();
  #total = 0;

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  get(key: object, read: () => Uint8Array): Uint8Array {
    const known = this.#kept.get(key);
    const bytes = known ?? read();
    this.#kept.delete(key);
    this.#kept.set(key, bytes);
    if (known === undefined) this.#total += bytes.length;
    for (const [oldest, { length }] of this.#kept) {
      if (this.#total <= this.#limit || this.#kept.size <= 2) break;
      this.#kept.delete(oldest);
      this.#total -= length;
    }
    return bytes;
  }
}
