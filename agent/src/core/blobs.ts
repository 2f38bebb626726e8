import {
  blobsOf,
  type Descriptor,
  digestHex,
  isFlotillaError,
  parseManifest,
} from '@flotilla/protocol';
import type { Storage } from './ports.ts';
import { createTurns, type Turns } from './turns.ts';

const FOLDER = 'blobs';
const PART = '.part';
const DELTA = '.delta-';
const MADE = 'made';
const HEX_LENGTH = 64;
const TAKEN = '.taken';

/** Blobs by digest, shared between bundles. A blob has its final name only once it was verified. */
export interface BlobStore {
  /** Where the blob lies in the storage. */
  path(digest: string): string;
  /** Where the bytes that arrived so far lie. */
  partPath(digest: string): string;
  /** Where the bytes of a bundle that a person brings lie until they are whole. */
  takenPath(digest: string): string;
  has(digest: string): Promise<boolean>;
  read(digest: string): Promise<Uint8Array | undefined>;
  /** Gives a part, or what lies at `from`, synced before, its final name. */
  complete(digest: string, from?: string): Promise<void>;
  /** Removes what was being taken in when the agent died. */
  sweep(): Promise<void>;
  /** Bytes that blobs and parts take. */
  bytes(): Promise<number>;
  /** Removes every blob and part that none of these bundles (manifest digests) names. */
  collect(bundles: readonly string[]): Promise<void>;
  /** Where deltas lie that lead to this blob; `collect` keeps them as long as it. */
  deltaStore(to: string): BlobPlaces;
  /** Where a blob lies while it is made of a delta. */
  madePath(to: string): string;
  dropDeltas(to: string): Promise<void>;
  /** By digest: bundles of two slots may have a blob in common, and it lies in one part. */
  readonly inTurn: Turns;
}

/** What a download needs of a store. */
export type BlobPlaces = Pick<BlobStore, 'path' | 'partPath' | 'has' | 'complete'>;

export async function openBlobStore(storage: Storage): Promise<BlobStore> {
  await storage.makeFolder(FOLDER);
  const path = (digest: string) => `${FOLDER}/${digestHex(digest)}`;
  const partPath = (digest: string) => `${path(digest)}${PART}`;
  const takenPath = (digest: string) => `${path(digest)}${TAKEN}`;

  async function namedBy(bundle: string): Promise<string[]> {
    const manifest = await storage.read(path(bundle));
    if (manifest === undefined) return [bundle];
    return [bundle, ...blobsIn(manifest).map(({ digest }) => digest)];
  }

  function deltaStore(to: string): BlobPlaces {
    const own = (delta: string) => `${path(to)}${DELTA}${digestHex(delta)}`;
    return {
      path: own,
      partPath: (delta) => `${own(delta)}${PART}`,
      has: async (delta) => (await storage.size(own(delta))) !== undefined,
      async complete(delta) {
        await storage.rename(`${own(delta)}${PART}`, own(delta));
        await storage.syncFolder(FOLDER);
      },
    };
  }

  return {
    inTurn: createTurns(),
    deltaStore,
    madePath: (to) => `${path(to)}${DELTA}${MADE}`,
    async dropDeltas(to) {
      const names = await storage.list(FOLDER);
      const start = `${digestHex(to)}${DELTA}`;
      for (const name of names.filter((name) => name.startsWith(start))) {
        await storage.remove(`${FOLDER}/${name}`);
      }
    },
    path,
    partPath,
    takenPath,
    has: async (digest) => (await storage.size(path(digest))) !== undefined,
    read: (digest) => storage.read(path(digest)),
    async complete(digest, from = partPath(digest)) {
      await storage.rename(from, path(digest));
      await storage.syncFolder(FOLDER);
    },
    async sweep() {
      const names = await storage.list(FOLDER);
      for (const name of names.filter((name) => name.endsWith(TAKEN))) {
        await storage.remove(`${FOLDER}/${name}`);
      }
    },
    async bytes() {
      const names = await storage.list(FOLDER);
      const sizes = await Promise.all(names.map((name) => storage.size(`${FOLDER}/${name}`)));
      return sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    },
    async collect(bundles) {
      // listed first: the manifest of what arrives from now on is read below
      const names = await storage.list(FOLDER);
      const named = (await Promise.all(bundles.map(namedBy))).flat();
      const kept = new Set(named.map(digestHex));
      for (const name of names.filter((name) => !kept.has(name.slice(0, HEX_LENGTH)))) {
        await storage.remove(`${FOLDER}/${name}`);
      }
      await storage.syncFolder(FOLDER);
    },
  };
}

/** The blobs that a manifest names; none where it cannot be read. */
export function blobsIn(manifest: Uint8Array): readonly Descriptor[] {
  try {
    return blobsOf(parseManifest(manifest));
  } catch (error) {
    if (isFlotillaError(error, 'bundle.invalid')) return [];
    throw error;
  }
}
