import { type Descriptor, FlotillaError, isFlotillaError } from '@flotilla/protocol';
import type { StepContext } from './context.ts';

/** Bytes that bundles may take on disk; `auto`: all but a reserve for the rest of the device. */
export type DiskQuota = number | 'auto';

/** With `auto`, a twentieth of the disk stays free, at most this much. */
const LARGEST_RESERVE = 2 ** 30;
const RESERVED_SHARE = 1 / 20;

export type RoomContext = Pick<
  StepContext,
  'storage' | 'blobs' | 'journal' | 'device' | 'runtimeCache' | 'settings' | 'needed'
>;

/**
 * Writes the missing blobs of a bundle where there is room for them. Room is made by removing the
 * oldest bundles that nothing needs; where that does not do, or the disk fills up all the same,
 * nothing half-written stays.
 *
 * @param digest of the bundle, which the journal names already
 * @throws FlotillaError `download.disk-full`, and what `write` throws
 */
export async function withRoom<T>(
  context: RoomContext,
  digest: string,
  parts: readonly Descriptor[],
  write: () => Promise<T>,
): Promise<T> {
  await makeRoom(context, digest, parts);
  try {
    return await write();
  } catch (error) {
    throw await fullDisk(context, parts, error);
  }
}

/** Where the disk filled up: removes what is half-written, and says how much is missing. */
export async function fullDisk(
  context: RoomContext,
  parts: readonly Descriptor[],
  error: unknown,
): Promise<unknown> {
  const { storage, blobs } = context;
  if (!isFlotillaError(error, 'storage.full')) return error;
  for (const part of parts) await storage.remove(blobs.partPath(part.digest));
  const needed = await bytesNeeded(context, parts);
  const missing = Math.max(1, needed - (await storage.free()));
  return new FlotillaError('download.disk-full', { needed, missing }, { cause: error });
}

/** @throws FlotillaError `download.disk-full` */
export async function makeRoom(
  context: RoomContext,
  digest: string,
  parts: readonly Pick<Descriptor, 'digest' | 'size'>[],
): Promise<void> {
  for (;;) {
    const needed = await bytesNeeded(context, parts);
    const missing = needed - (await bytesLeft(context));
    if (needed === 0 || missing <= 0) return;
    const kept = new Set([digest, ...context.needed()]);
    // the journal names bundles in the order in which they came
    const oldest = Object.keys(context.journal.state.bundles).find((it) => !kept.has(it));
    if (oldest === undefined) throw new FlotillaError('download.disk-full', { needed, missing });
    await discardBundles(context, [oldest]);
  }
}

/** Deletes bundles with the blobs that no other one has. */
export async function discardBundles(
  { journal, blobs, runtimeCache }: Pick<RoomContext, 'journal' | 'blobs' | 'runtimeCache'>,
  digests: readonly string[],
): Promise<void> {
  await blobs.collect(Object.keys(journal.state.bundles).filter((it) => !digests.includes(it)));
  await Promise.all(digests.map((digest) => runtimeCache.drop(digest)));
  await journal.update((draft) => {
    for (const digest of digests) delete draft.bundles[digest];
  });
}

async function bytesNeeded(
  { storage, blobs }: RoomContext,
  parts: readonly Pick<Descriptor, 'digest' | 'size'>[],
): Promise<number> {
  let needed = 0;
  for (const { digest, size } of parts) {
    if (await blobs.has(digest)) continue;
    needed += Math.max(0, size - ((await storage.size(blobs.partPath(digest))) ?? 0));
  }
  return needed;
}

/** What may still be written, by the quota and by the disk. */
async function bytesLeft({ storage, blobs, device, settings }: RoomContext): Promise<number> {
  const free = await storage.free();
  const { diskQuota } = settings;
  if (diskQuota !== 'auto') return Math.min(free, diskQuota - (await blobs.bytes()));
  const { diskBytes } = await device.capabilities();
  return free - Math.min(LARGEST_RESERVE, Math.floor(diskBytes * RESERVED_SHARE));
}
