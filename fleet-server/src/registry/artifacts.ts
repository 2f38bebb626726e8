import { createHash } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { FlotillaError, isDigest } from '@flotilla/protocol';
import { type FileSystem, storeWhole } from './file-system.ts';

export interface ArtifactInfo {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** Bytes by digest. What `put` has acknowledged is on the disk; what is served is whole. */
export interface ArtifactStore {
  /** @throws FlotillaError `bundle.digest-mismatch` where the bytes are not those of the digest */
  put(digest: string, content: Uint8Array): Promise<void>;
  /** Undefined where the store does not hold it. */
  stat(digest: string): Promise<ArtifactInfo | undefined>;
  /** Nothing happens where it is not held. */
  remove(digest: string): Promise<void>;
  /** Bytes first to last inclusive; all of them where no range is given. */
  read(digest: string, range?: { readonly first: number; readonly last: number }): Readable;
}

const INCOMING = 'incoming';

/**
 * Artifacts in a folder, `sha256/ab/abcd…`: written whole under another name, synced, then renamed,
 * so that a name never stands for half of its bytes.
 */
export async function openArtifactFolder(root: string, fs: FileSystem): Promise<ArtifactStore> {
  for (const name of ['', 'sha256', INCOMING]) await fs.makeFolder(join(root, name));
  await fs.syncFolder(root);
  await fs.syncFolder(dirname(root));
  for (const name of await fs.list(join(root, INCOMING)))
    await fs.remove(join(root, INCOMING, name));
  const fanOut = (digest: string) => join(root, 'sha256', hexOf(digest).slice(0, 2));
  const path = (digest: string) => join(fanOut(digest), hexOf(digest));

  return {
    async put(digest, content) {
      const actual = `sha256:${createHash('sha256').update(content).digest('hex')}`;
      if (actual !== digest) {
        const where = 'artifact store';
        throw new FlotillaError('bundle.digest-mismatch', { where, expected: digest, actual });
      }
      const folder = fanOut(digest);
      await fs.makeFolder(folder);
      await fs.syncFolder(join(root, 'sha256'));
      if ((await fs.size(path(digest))) !== content.length) {
        await storeWhole(fs, join(root, INCOMING), path(digest), content);
      } else await fs.syncFolder(folder);
    },
    async stat(digest) {
      const size = isDigest(digest) ? await fs.size(path(digest)) : undefined;
      return size === undefined ? undefined : { digest, size };
    },
    async remove(digest) {
      await fs.remove(path(digest));
      await fs.makeFolder(fanOut(digest));
      await fs.syncFolder(fanOut(digest));
    },
    read: (digest, range) => fs.read(path(digest), range),
  };
}

/** Checked here too, since it becomes a path. */
function hexOf(digest: string): string {
  if (!isDigest(digest)) throw new RangeError(`${digest.slice(0, 80)} is not a digest`);
  return digest.slice('sha256:'.length);
}
