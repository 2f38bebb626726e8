import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../core/index.ts';

/** A regular file in a watched folder. */
export interface FoundFile {
  /** Its bytes, a character each: a name on Linux need not be text. */
  readonly name: string;
  /** The name as text. */
  readonly label: string;
  readonly bytes: number;
  readonly changedMs: number;
}

export interface FolderScanOptions {
  readonly folder: string;
  readonly extensions: readonly string[] | undefined;
  /** A file is complete when it did not change for so long. */
  readonly settleMs: number;
  readonly clock: Pick<Clock, 'monotonic'>;
}

/** Names that programs give to files they still write. */
const UNFINISHED = /^\.|\.(part|partial|tmp|temp|crdownload|filepart|swp)$|~$/i;
/** Larger folders are worked off in parts. */
const MOST_AT_ONCE = 1000;

export const pathOf = (folder: string, ...names: readonly string[]): Buffer =>
  Buffer.concat([
    Buffer.from(folder),
    ...names.flatMap((name) => [Buffer.from('/'), Buffer.from(name, 'latin1')]),
  ]);

/**
 * Looks into a folder again and again: which files are complete, oldest first, and whether others
 * still change.
 */
export function createFolderScan({ folder, extensions, settleMs, clock }: FolderScanOptions) {
  const endings = extensions?.map((extension) => `.${extension.toLowerCase()}`);
  /** How each file that still may change was first seen as it is now. */
  let seen = new Map<string, { readonly mark: string; readonly sinceMs: number }>();

  const wanted = (name: string): boolean =>
    !UNFINISHED.test(name) &&
    (endings === undefined || endings.some((ending) => name.toLowerCase().endsWith(ending)));

  async function stat(name: string): Promise<FoundFile | undefined> {
    // gone meanwhile: another program took it
    const info = await lstat(pathOf(folder, name)).catch(() => undefined);
    if (!info?.isFile()) return undefined;
    const label = Buffer.from(name, 'latin1').toString('utf8');
    return { name, label, bytes: info.size, changedMs: info.mtimeMs };
  }

  return async (known: { has(file: FoundFile): boolean }) => {
    const names = (await readdir(Buffer.from(join(folder)), { encoding: 'latin1' })).filter(wanted);
    const found: FoundFile[] = [];
    for (const name of names) {
      const file = await stat(name);
      if (file !== undefined && !known.has(file)) found.push(file);
      if (found.length >= MOST_AT_ONCE) break;
    }
    const nowMs = clock.monotonic();
    const before = seen;
    seen = new Map();
    const complete: FoundFile[] = [];
    for (const file of found) {
      const mark = `${file.bytes} ${file.changedMs}`;
      const last = before.get(file.name);
      const sinceMs = last?.mark === mark ? last.sinceMs : nowMs;
      if (nowMs - sinceMs >= settleMs) complete.push(file);
      else seen.set(file.name, { mark, sinceMs });
    }
    complete.sort((a, b) => a.changedMs - b.changedMs || (a.name < b.name ? -1 : 1));
    return { complete, pending: seen.size > 0 };
  };
}
