import { type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FlotillaError } from '@flotilla/protocol';
import type { Storage } from '../core/index.ts';

/** Storage in a folder of the file system. */
export function createFileStorage(root: string): Storage {
  const at = (path: string) => join(root, path);
  return {
    read: (path) => withFile(at(path), 'r', (file) => file.readFile()),
    readRange: (path, offset, length) =>
      withFile(at(path), 'r', async (file) => {
        const bytes = new Uint8Array(length);
        const { bytesRead } = await file.read(bytes, 0, length, offset);
        return bytes.subarray(0, bytesRead);
      }),
    size: async (path) => (await orUndefined(stat(at(path))))?.size,
    async list(folder) {
      const entries = await orUndefined(readdir(at(folder), { withFileTypes: true }));
      const files = (entries ?? []).filter((entry) => entry.isFile());
      return files.map(({ name }) => name).sort();
    },
    async makeFolder(folder) {
      const made = await mkdir(at(folder), { recursive: true });
      if (made !== undefined) await syncFolder(dirname(made));
    },
    write: (path, bytes) => whileThereIsRoom(path, writeWith(at(path), 'w', bytes)),
    append: (path, bytes) => whileThereIsRoom(path, writeWith(at(path), 'a', bytes)),
    async sync(path) {
      const file = await open(at(path), 'r');
      await whileThereIsRoom(
        path,
        file.sync().finally(() => file.close()),
      );
    },
    syncFolder: (folder) => syncFolder(at(folder)),
    rename: (from, to) => rename(at(from), at(to)),
    remove: (path) => rm(at(path), { force: true }),
    async free() {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
  };
}

async function withFile<T>(path: string, flags: string, use: (file: FileHandle) => Promise<T>) {
  const file = await orUndefined(open(path, flags));
  if (file === undefined) return undefined;
  return use(file).finally(() => file.close());
}

async function writeWith(path: string, flags: 'w' | 'a', bytes: Uint8Array): Promise<void> {
  const file = await open(path, flags, 0o600);
  await file.writeFile(bytes).finally(() => file.close());
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync().finally(() => folder.close());
}

/** @throws FlotillaError `storage.full` where disk or the user's quota is used up */
async function whileThereIsRoom<T>(file: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cause;
    throw new FlotillaError('storage.full', { file }, { cause });
  }
}

/** Undefined where there is no such file; every other fault stays one. */
async function orUndefined<T>(operation: Promise<T>): Promise<T | undefined> {
  try {
    return await operation;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
