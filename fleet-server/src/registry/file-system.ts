import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { syncFolder } from '@flotilla/protocol/node';

/**
 * What a store of files asks of a disk, one system call each, so that a double can cut the power
 * between any two. Only what was synced, content and name, is sure to outlast such a cut.
 */
export interface FileSystem {
  /** Parents must exist; a folder that exists is fine. */
  makeFolder(path: string): Promise<void>;
  /** Creates or overwrites. */
  write(path: string, content: Uint8Array): Promise<void>;
  syncFile(path: string): Promise<void>;
  /** Makes names in the folder durable. */
  syncFolder(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  list(path: string): Promise<string[]>;
  /** Bytes; undefined where there is no such file. */
  size(path: string): Promise<number | undefined>;
  /** Bytes first to last inclusive; all of them where no range is given. */
  read(path: string, range?: { readonly first: number; readonly last: number }): Readable;
}

export const nodeFileSystem: FileSystem = {
  async makeFolder(path) {
    await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  },
  write: (path, content) => writeFile(path, content, { mode: 0o600 }),
  async syncFile(path) {
    const file = await open(path, 'r+');
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  },
  syncFolder,
  rename,
  remove: (path) => rm(path, { force: true }),
  list: (path) => readdir(path),
  async size(path) {
    const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    return info?.isFile() ? info.size : undefined;
  },
  read: (path, range) =>
    createReadStream(path, range === undefined ? {} : { start: range.first, end: range.last }),
};

/**
 * Puts a file into a folder whole or not at all, and for good once this resolves.
 *
 * @param incoming folder on the same disk where it lies until it is whole
 */
export async function storeWhole(
  fs: FileSystem,
  incoming: string,
  target: string,
  content: Uint8Array,
): Promise<void> {
  const temporary = join(incoming, `.${randomBytes(12).toString('hex')}.tmp`);
  try {
    await fs.write(temporary, content);
    await fs.syncFile(temporary);
    await fs.rename(temporary, target);
  } catch (error) {
    await fs.remove(temporary).catch(() => undefined);
    throw error;
  }
  await fs.syncFolder(dirname(target));
}
