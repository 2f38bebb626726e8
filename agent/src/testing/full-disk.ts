import { FlotillaError } from '@flotilla/protocol';
import type { Storage } from '../core/index.ts';

export interface FullDisk extends Storage {
  /** Writes so far, those that failed included. */
  readonly writes: number;
  /** Writes that failed. */
  readonly refused: number;
  /** The disk is full from the write with that number on (0 is the first); Infinity: it has room. */
  fullFrom(write: number): void;
}

/** A storage that has no room left at one of its writes; half of what it was given may stay there. */
export function createFullDisk(storage: Storage): FullDisk {
  let writes = 0;
  let refused = 0;
  let limit = Number.POSITIVE_INFINITY;

  async function write(
    path: string,
    bytes: Uint8Array,
    through: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    if (writes++ < limit) return through(bytes);
    refused++;
    await through(bytes.subarray(0, bytes.length >> 1));
    throw new FlotillaError('storage.full', { file: path });
  }

  return {
    ...storage,
    get writes() {
      return writes;
    },
    get refused() {
      return refused;
    },
    fullFrom: (from) => {
      limit = from;
    },
    write: (path, bytes) => write(path, bytes, (part) => storage.write(path, part)),
    append: (path, bytes) => write(path, bytes, (part) => storage.append(path, part)),
    free: async () => (writes < limit ? storage.free() : 0),
  };
}
