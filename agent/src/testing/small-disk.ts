import { FlotillaError } from '@flotilla/protocol';
import type { Storage } from '../core/index.ts';

export interface SmallDisk extends Storage {
  /** Bytes that fit; a write beyond them leaves half of itself, as a disk does. */
  capacity: number;
  /** Bytes of all files now. */
  used(): Promise<number>;
}

/** A storage that is full at some point. */
export function createSmallDisk(storage: Storage, folders: readonly string[]): SmallDisk {
  const used = async (): Promise<number> => {
    let sum = 0;
    for (const folder of folders) {
      for (const name of await storage.list(folder)) {
        sum += (await storage.size(folder === '.' ? name : `${folder}/${name}`)) ?? 0;
      }
    }
    return sum;
  };
  const free = async () => self.capacity - (await used());

  async function within(
    path: string,
    bytes: Uint8Array,
    more: number,
    write: (bytes: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const left = await free();
    if (more <= left) return write(bytes);
    await write(bytes.subarray(0, Math.max(0, bytes.length - (more - left))));
    throw new FlotillaError('storage.full', { file: path });
  }

  const self: SmallDisk = {
    ...storage,
    capacity: Number.POSITIVE_INFINITY,
    used,
    free,
    async write(path, bytes) {
      const more = bytes.length - ((await storage.size(path)) ?? 0);
      await within(path, bytes, more, (part) => storage.write(path, part));
    },
    append: (path, bytes) =>
      within(path, bytes, bytes.length, (part) => storage.append(path, part)),
  };
  return self;
}
