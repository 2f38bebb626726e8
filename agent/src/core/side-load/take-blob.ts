import { type Descriptor, FlotillaError } from '@flotilla/protocol';
import type { StepContext } from '../steps/context.ts';

export type TakeBlobContext = Pick<StepContext, 'storage' | 'blobs' | 'sha256'>;

/**
 * Stores a blob of a bundle file once its digest is right. One that the store has is read all the
 * same, so that a file that was altered is told.
 *
 * @throws FlotillaError `bundle.digest-mismatch`, `storage.full`, and what the content throws
 */
export async function takeBlob(
  { storage, blobs, sha256 }: TakeBlobContext,
  { digest: expected }: Pick<Descriptor, 'digest'>,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  where: string,
): Promise<void> {
  const isNew = !(await blobs.has(expected));
  const taken = blobs.takenPath(expected);
  const hash = sha256();
  try {
    if (isNew) await storage.write(taken, new Uint8Array());
    for await (const chunk of content) {
      hash.update(chunk);
      if (isNew) await storage.append(taken, chunk);
    }
    const actual = hash.digest();
    if (actual !== expected) {
      throw new FlotillaError('bundle.digest-mismatch', { where, expected, actual });
    }
  } catch (error) {
    await storage.remove(taken);
    throw error;
  }
  if (!isNew) return;
  await storage.sync(taken);
  await blobs.complete(expected, taken);
}
