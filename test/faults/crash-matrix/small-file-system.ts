import { execFileSync } from 'node:child_process';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file system of a few megabytes of its own. */
export interface SmallFileSystem {
  readonly folder: string;
  /** Fills it up to so many bytes. */
  fill(leave: number): Promise<void>;
  empty(): Promise<void>;
  close(): void;
}

const SIZE = '6m';

/** Undefined where this user may not mount. */
export async function mountSmall(folder: string): Promise<SmallFileSystem | undefined> {
  await mkdir(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    return undefined;
  }
  const ballast = join(folder, 'ballast');
  return {
    folder,
    async fill(leave) {
      const { bavail, bsize } = await statfs(folder);
      await writeFile(ballast, new Uint8Array(Math.max(0, bavail * bsize - leave)));
    },
    empty: () => rm(ballast, { force: true }),
    close: () => {
      execFileSync('umount', ['-l', folder]);
    },
  };
}
