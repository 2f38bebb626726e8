import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, sep } from 'node:path';
import { type ExternalData, Unreadable } from './read-tensor.ts';
import { type RecentBytes, StoredFile } from './stored-file.ts';

export interface ExternalFiles extends ExternalData {
  /** Paths of the files that parts were asked of, in order of their locations. */
  paths(): string[];
}

/** External data in files of `folder` and below it; any path that leads elsewhere is refused. */
export function externalFilesIn(folder: string, recent: RecentBytes): ExternalFiles {
  const files = new Map<string, StoredFile>();
  const open = (location: string): StoredFile => {
    const known = files.get(location);
    if (known !== undefined) return known;
    const path = insidePath(folder, location);
    if (!statSync(path).isFile()) throw new Unreadable(`${titleOf(location)} is not a file`);
    const file = new StoredFile(path, recent);
    files.set(location, file);
    return file;
  };
  return {
    paths: () => [...files.keys()].sort().map((location) => files.get(location)!.path),
    part(location, offset, length) {
      const file = open(location);
      const end = offset + (length ?? file.size - offset);
      if (offset > file.size || end > file.size) {
        const needed = Math.max(offset, end);
        throw new Unreadable(`${titleOf(location)} has ${file.size} bytes, ${needed} are needed`);
      }
      return file.part(offset, end - offset);
    },
  };
}

/** The spec (ONNX IR.md, external tensor data) asks for a relative path that does not climb out. */
function insidePath(folder: string, location: string): string {
  const outside = `${titleOf(location)} leads out of the model's folder`;
  const parts = location.split(/[\\/]/);
  if (location === '' || isAbsolute(location) || /^[a-z]:/i.test(location) || parts.includes('..'))
    throw new Unreadable(outside);
  try {
    const path = realpathSync(join(folder, location));
    if (path.startsWith(realpathSync(folder) + sep)) return path;
  } catch (cause) {
    throw new Unreadable(`${titleOf(location)} is missing`, { cause });
  }
  throw new Unreadable(outside);
}

function titleOf(location: string): string {
  return `external data ${JSON.stringify(location)}`;
}
