import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Digest } from '../digest.ts';

/** Bytes to write: a text in UTF-8, one array, or chunks one after the other. */
export type FileContent = string | Uint8Array | Iterable<Uint8Array>;

interface WriteOptions {
  readonly mode?: number;
}

/**
 * Writes a file so that after a power cut it is either as before or whole: temporary file beside
 * it, fsync, rename, fsync of the folder. The folder must exist.
 */
export async function writeFileDurably(
  path: string,
  content: FileContent,
  options: WriteOptions = {},
): Promise<void> {
  const file = await stageFile(path, content, options);
  try {
    await file.commit();
  } finally {
    await file.discard();
  }
  await syncFolder(dirname(path));
}

/** A file that is stored under another name until it is committed. */
export interface StagedFile {
  /** Gives it its name; lasting once its folder is synced. */
  commit(): Promise<void>;
  /** Removes it where it was not committed. */
  discard(): Promise<void>;
}

/** The first half of `writeFileDurably`, for files that come into being together. */
export async function stageFile(
  path: string,
  content: FileContent,
  options: WriteOptions = {},
): Promise<StagedFile> {
  const suffix = randomBytes(6).toString('hex');
  const temporary = join(dirname(path), `.${basename(path)}.${suffix}.tmp`);
  try {
    const file = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      for (const chunk of chunksOf(content)) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  return {
    commit: () => rename(temporary, path),
    discard: () => rm(temporary, { force: true }),
  };
}

function chunksOf(content: FileContent): Iterable<string | Uint8Array> {
  return typeof content === 'string' || content instanceof Uint8Array ? [content] : content;
}

/** Makes renames and removals in a folder outlast a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** SHA-256 of a file's content, streamed. */
export async function hashFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return `sha256:${hash.digest('hex')}`;
}
