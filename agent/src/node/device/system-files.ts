import { type FileHandle, open, readdir, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** What the kernel and the system tell in files, below a root folder: `/`, or a tree of a test. */
export interface SystemFiles {
  /** Text of a file, without zero bytes and white space around; empty where it cannot be read. */
  text(path: string): Promise<string>;
  /** As `text`, with the zero bytes between parts, as device trees write lists. */
  parts(path: string): Promise<string[]>;
  /** The file as a number, or undefined where it holds none. */
  number(path: string): Promise<number | undefined>;
  /** Sorted names in a folder that match; none where there is no such folder. */
  names(folder: string, pattern: RegExp): Promise<string[]>;
  /** What a symbolic link points to; empty where there is none. */
  target(path: string): Promise<string>;
  /** Last name of that. */
  link(path: string): Promise<string>;
}

/** Nothing that is read here is longer; `/proc/cpuinfo` of 160 processors is cut. */
const MAX_BYTES = 256 << 10;
const MAX_NAMES = 1024;

export function systemFiles(root = '/'): SystemFiles {
  const raw = (path: string) => readBounded(join(root, path));
  const target = (path: string) => readlink(join(root, path)).catch(() => '');
  return {
    text: async (path) => (await raw(path)).replaceAll('\0', ' ').trim(),
    parts: async (path) => (await raw(path)).split('\0').filter((part) => part.trim() !== ''),
    async number(path) {
      const text = (await raw(path)).trim();
      const value = Number(text);
      return text !== '' && Number.isFinite(value) ? value : undefined;
    },
    async names(folder, pattern) {
      const all = await readdir(join(root, folder)).catch(() => []);
      const found = all.filter((name) => pattern.test(name)).slice(0, MAX_NAMES);
      return found.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
    },
    target,
    link: async (path) => basename(await target(path)),
  };
}

/** Files of the kernel have no length before they are read. */
async function readBounded(path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const buffer = Buffer.alloc(MAX_BYTES);
    let length = 0;
    while (length < MAX_BYTES) {
      const { bytesRead } = await file.read(buffer, length, MAX_BYTES - length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return buffer.toString('utf8', 0, length);
  } catch {
    // missing, or a sensor that does not answer: both mean that nothing is known
    return '';
  } finally {
    await file?.close();
  }
}
