import type { Storage } from './ports.ts';

/** The folder part of a path; `.` at the top. */
export function folderOf(path: string): string {
  const cut = path.lastIndexOf('/');
  return cut < 0 ? '.' : path.slice(0, cut);
}

/**
 * Replaces a file so that a power cut leaves either the old content or the new one: the bytes are
 * on the medium before the name points at them, and the name before this returns (rename(2), and
 * Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014).
 */
export async function replaceFile(
  storage: Storage,
  path: string,
  bytes: Uint8Array,
): Promise<void> {
  const temporary = `${path}.new`;
  try {
    await storage.write(temporary, bytes);
    await storage.sync(temporary);
  } catch (error) {
    // on a full disk, what is half-written takes the room of what comes next
    await storage.remove(temporary).catch(() => undefined);
    throw error;
  }
  await storage.rename(temporary, path);
  await storage.syncFolder(folderOf(path));
}

/** Runs asynchronous sections one after the other, in the order of the calls. */
export function createQueue(): <T>(section: () => Promise<T>) => Promise<T> {
  let tail: Promise<unknown> = Promise.resolve();
  return (section) => {
    const result = tail.then(section);
    tail = result.catch(() => undefined);
    return result;
  };
}
