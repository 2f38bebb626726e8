import { decodeProfile, type ReferenceProfile } from '@flotilla/model';
import { isFlotillaError, MEDIA } from '@flotilla/protocol';
import type { ArtifactStore } from '../registry/artifacts.ts';
import { readLayer } from '../registry/read-layer.ts';

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
  const layer = await readLayer(artifacts, bundle, MEDIA.profile, MAX_PROFILE_BYTES);
  if (layer === undefined) return undefined;
  try {
    return { digest: layer.digest, profile: decodeProfile(layer.bytes) };
  } catch (error) {
    // a bundle from elsewhere may carry what cannot be read: it is not watched for drift
    if (isFlotillaError(error, 'profile.invalid')) return undefined;
    throw error;
  }
}
