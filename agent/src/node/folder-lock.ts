import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer } from 'node:net';

/** Who may hold a data folder, each at most once at a time. */
type Holder = 'agent' | 'launcher' | 'simulation';

/**
 * Holds a folder for one process, by a socket in Linux's abstract namespace: the kernel lets go of
 * it with the process, so that a kill leaves no stale lock.
 *
 * @returns lets the folder go; undefined where another process holds it
 */
export async function lockFolder(
  folder: string,
  holder: Holder,
): Promise<(() => Promise<void>) | undefined> {
  if (process.platform !== 'linux') return async () => undefined;
  const name = createHash('sha256')
    .update(await realpath(folder))
    .digest('hex');
  const server = createServer().unref();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(`\0flotilla-${holder}-${name}`, resolve);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
  return () => new Promise((resolve) => server.close(() => resolve()));
}
