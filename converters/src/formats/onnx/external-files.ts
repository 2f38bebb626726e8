import { realpathSync, statSync } from 'node:fs';
import { isAbsolute, join, sep } from 'node:path';
import { type ExternalData, Unreadable } from './read-tensor.ts';
import { type RecentBytes, StoredFile } from './stored-file.ts';

/** External data in files of `folder` and below it; any path that leads elsewhere is refused. */
export function externalFilesIn(folder: string, recent: RecentBytes): ExternalData {
  const files = new Map<string, StoredFile>();
  const open = (location: string): StoredFile => {
    const known = files.get(location);
    if (known !== undefined) return known;
    const path = insidePath(folder, location);
    if (!statSync(path).isFile()) throw new Unreadable(`external data ${location} is not a file`);
    const file = new StoredFile(path, recent);
    files.set(location, file);
    return file;
  };
  return {
    part(location, offset, length) {
      const file = open(location);
      const end = offset + (length ?? file.size - offset);
      if (offset > file.size || end > file.size) {
        throw new Unreadable(`external data ${location} has ${file.size} bytes, ${end} are needed`);
      }
      return file.part(offset, end - offset);
    },
  };
}

/** The spec (ONNX IR.md, external tensor data) asks for a relative path that does not climb out. */
function insidePath(folder: string, location: string): string {
  const outside = `external data path ${JSON.stringify(location)} leads out of its folder`;
  const parts = location.split(/[\\/]/);
  if (location === '' || isAbsolute(location) || /^[a-z]:/i.test(location) || parts.includes('..'))
    throw new Unreadable(outside);
  try {
    const path = realpathSync(join(folder, location));
    if (path.startsWith(realpathSync(folder) + sep)) return path;
  } catch (cause) {
    throw new Unreadable(`external data ${JSON.stringify(location)} is missing`, { cause });
  }
  throw new Unreadable(outside);
}
