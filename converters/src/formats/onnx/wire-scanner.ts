import { Unreadable } from './read-tensor.ts';
import type { StoredFile } from './stored-file.ts';

const WINDOW_BYTES = 256 << 10;

/** One field of a protobuf message: `start` and `end` are those of its value in the file. */
export interface WireField {
  readonly number: number;
  readonly delimited: boolean;
  readonly start: number;
  readonly end: number;
}

/** Walks over the fields of a protobuf file without decoding them, a window of it in memory. */
export class WireScanner {
  readonly #file: StoredFile;
  #window = new Uint8Array();
  #start = 0;
  #at = 0;

  constructor(file: StoredFile) {
    this.#file = file;
  }

  /** The field that begins at `position` in a message that ends at `limit`. */
  field(position: number, limit: number): WireField {
    this.#at = position;
    const tag = this.#varint(limit);
    const number = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (number === 0) throw damaged(position);
    const length = this.#length(wireType, limit);
    const start = this.#at;
    const end = start + length;
    if (end > limit) throw damaged(position);
    return { number, delimited: wireType === 2, start, end };
  }

  /** Bytes that the value takes; for a varint that of its own. */
  #length(wireType: number, limit: number): number {
    switch (wireType) {
      case 0:
        this.#varint(limit);
        return 0;
      case 1:
        return 8;
      case 2:
        return this.#varint(limit);
      case 5:
        return 4;
      default:
        throw damaged(this.#at);
    }
  }

  #varint(limit: number): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 63; factor *= 128) {
      const byte = this.#byte(limit);
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw damaged(this.#at);
  }

  #byte(limit: number): number {
    if (this.#at >= limit) throw damaged(this.#at);
    const inside = this.#at - this.#start;
    if (inside < 0 || inside >= this.#window.length) {
      const length = Math.min(WINDOW_BYTES, this.#file.size - this.#at);
      this.#window = this.#file.readNow(this.#at, length);
      this.#start = this.#at;
    }
    return this.#window[this.#at++ - this.#start]!;
  }
}

function damaged(position: number): Unreadable {
  return new Unreadable(`cut off or damaged: no field of a message begins at byte ${position}`);
}
