import { link, lstat, mkdir, readFile, rename, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '@flotilla/protocol/node';
import { type FoundFile, pathOf } from './folder-scan.ts';

/** What becomes of files that are done. */
export interface Done {
  /** Begun or done already. */
  has(file: FoundFile): boolean;
  begin(file: FoundFile): void;
  forget(file: FoundFile): void;
  end(file: FoundFile, failed: boolean): Promise<void>;
  /** Writes down which files that stay are done. */
  save(): Promise<void>;
  /** No more begin; each that ends from now on is written down at once. */
  close(): Promise<void>;
}

/** Names of files that stay where they are, and how they were when they were done. */
const STATE = '.flotilla-done.json';
const MOST_REMEMBERED = 100_000;
const MOST_SAME_NAMES = 10_000;
/** A crash may lose as many: they are done again. */
const SAVE_EVERY = 50;

/** @throws where the folder is missing or may not be written to */
export async function rememberDone(
  folder: string,
  after: 'move' | 'delete' | 'keep',
): Promise<Done> {
  const kept = after === 'keep' ? await readMarks(folder) : new Map<string, string>();
  const begun = new Set<string>();
  let unsaved = 0;
  let closed = false;
  if (after === 'move') {
    for (const name of ['done', 'failed']) await mkdir(join(folder, name)).catch(ignore('EEXIST'));
  }

  async function save(): Promise<void> {
    if (unsaved === 0) return;
    unsaved = 0;
    await writeFileDurably(join(folder, STATE), JSON.stringify([...kept]));
  }

  async function leave(file: FoundFile, failed: boolean): Promise<void> {
    switch (after) {
      case 'move':
        return move(folder, file.name, failed ? 'failed' : 'done');
      case 'delete':
        return unlink(pathOf(folder, file.name)).catch(ignore('ENOENT'));
      case 'keep':
        kept.set(file.name, markOf(file));
        if (kept.size > MOST_REMEMBERED) kept.delete(kept.keys().next().value ?? '');
        unsaved++;
        if (closed || unsaved >= SAVE_EVERY) await save();
        return;
    }
  }

  return {
    save,
    async close() {
      closed = true;
      await save();
    },
    has: (file) => begun.has(file.name) || kept.get(file.name) === markOf(file),
    begin: (file) => void begun.add(file.name),
    forget: (file) => void begun.delete(file.name),
    async end(file, failed) {
      try {
        await leave(file, failed);
        begun.delete(file.name);
      } catch (error) {
        // it cannot leave: it stays begun, so that it is not done for ever
        throw new Error(`${file.label} stays where it is: ${(error as Error).message}`);
      }
    },
  };
}

const markOf = ({ bytes, changedMs }: FoundFile): string => `${bytes} ${changedMs}`;

/** A state that cannot be read means files done twice, not never. */
async function readMarks(folder: string): Promise<Map<string, string>> {
  const text = await readFile(join(folder, STATE), 'utf8').catch(() => '[]');
  try {
    const rows: unknown = JSON.parse(text);
    const pairs = Array.isArray(rows) ? rows.filter(isPair) : [];
    return new Map(pairs);
  } catch {
    return new Map();
  }
}

const isPair = (row: unknown): row is [string, string] =>
  Array.isArray(row) && row.length === 2 && row.every((cell) => typeof cell === 'string');

/** A file of that name which is there already stays: a hard link, unlike a rename, replaces none. */
async function move(folder: string, name: string, to: 'done' | 'failed'): Promise<void> {
  const from = pathOf(folder, name);
  for (let number = 0; number < MOST_SAME_NAMES; number++) {
    const target = pathOf(folder, to, number === 0 ? name : `${number}-${name}`);
    try {
      await link(from, target);
      return await rm(from);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code === 'EEXIST') continue;
      // FAT, as on an SD card or stick, has no hard links
      if (code !== 'EPERM' && code !== 'ENOTSUP') throw error;
      if (await isFree(target)) return rename(from, target);
    }
  }
  throw new Error(`${to}/ holds too many files named ${Buffer.from(name, 'latin1')}`);
}

const isFree = (target: Buffer): Promise<boolean> =>
  lstat(target).then(
    () => false,
    () => true,
  );

const ignore =
  (code: string) =>
  (error: NodeJS.ErrnoException): void => {
    if (error.code !== code) throw error;
  };
