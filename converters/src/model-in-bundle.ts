import {
  blobsOf,
  type Digest,
  FlotillaError,
  isModelMedia,
  parseManifest,
} from '@flotilla/protocol';
import { readBundleFile } from '@flotilla/protocol/node';

const ENDING = '.flotilla';

/** The model of a bundle file, so that what was made can be timed and compared as it is. */
export interface BundledModel {
  readonly bytes: Uint8Array;
  readonly digest: Digest;
}

/**
 * @returns undefined where the file is no bundle by its name
 * @throws FlotillaError naming the file where a digest in it does not hold, or it has no model
 */
export async function modelInBundle(file: string): Promise<BundledModel | undefined> {
  if (!file.endsWith(ENDING)) return undefined;
  const { manifestBytes, blobs } = await readBundleFile(file);
  const model = blobsOf(parseManifest(manifestBytes, file)).find(({ mediaType }) =>
    isModelMedia(mediaType),
  );
  const bytes = model && blobs.get(model.digest);
  if (model === undefined || bytes === undefined) {
    throw new FlotillaError('bundle.invalid', { where: file, reason: 'it holds no model' });
  }
  return { bytes, digest: model.digest };
}
