import { decodeProfile, type ReferenceProfile } from '@flotilla/model';
import { isFlotillaError, MAX_MANIFEST_BYTES, MEDIA, parseManifest } from '@flotilla/protocol';
import type { ArtifactStore } from '../registry/artifacts.ts';

/** The reference profile of a bundle, and the digest by which devices name it. */
export interface StoredProfile {
  readonly digest: string;
  readonly profile: ReferenceProfile;
}

/** @param bundle digest of the bundle's manifest; undefined where it carries no profile */
export type ProfileFor = (bundle: string) => Promise<StoredProfile | undefined>;

const MAX_PROFILE_BYTES = 8 << 20;
const CACHED = 200;

/** Reads profiles out of the artifact store and remembers the last few; content never changes. */
export function createProfiles(artifacts: ArtifactStore): ProfileFor {
  const cache = new Map<string, StoredProfile | undefined>();
  return async (bundle) => {
    if (cache.has(bundle)) return cache.get(bundle);
    const found = await readProfile(artifacts, bundle);
    if (cache.size >= CACHED) cache.clear();
    cache.set(bundle, found);
    return found;
  };
}

async function readProfile(
  artifacts: ArtifactStore,
  bundle: string,
): Promise<StoredProfile | undefined> {
  const manifest = await readAll(artifacts, bundle, MAX_MANIFEST_BYTES);
  if (manifest === undefined) return undefined;
  const layer = parseManifest(manifest).layers.find(({ mediaType }) => mediaType === MEDIA.profile);
  if (layer === undefined) return undefined;
  const bytes = await readAll(artifacts, layer.digest, MAX_PROFILE_BYTES);
  if (bytes === undefined) return undefined;
  try {
    return { digest: layer.digest, profile: decodeProfile(bytes) };
  } catch (error) {
    // a bundle from elsewhere may carry what cannot be read: it is not watched for drift
    if (isFlotillaError(error, 'profile.invalid')) return undefined;
    throw error;
  }
}

async function readAll(
  artifacts: ArtifactStore,
  digest: string,
  most: number,
): Promise<Uint8Array | undefined> {
  const info = await artifacts.stat(digest);
  if (info === undefined || info.size > most) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of artifacts.read(digest)) parts.push(part as Uint8Array);
  return Buffer.concat(parts);
}
