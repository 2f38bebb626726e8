import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/**
 * Every file below a folder with a digest of its content, and every folder; undefined where there
 * is no such folder. Two equal trees hold the same bytes.
 */
export async function treeOf(folder: string): Promise<Record<string, string> | undefined> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (entries === undefined) return undefined;
  const rows = await Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const content = entry.isFile() ? digestOf(await readFile(path)) : '';
      return [relative(folder, path), content] as const;
    }),
  );
  return Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const digestOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
