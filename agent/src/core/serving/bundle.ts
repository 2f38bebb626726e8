import { decodeProfile, type ModelSpec, parseSpec, type ReferenceProfile } from '@flotilla/model';
import {
  type BundleConfig,
  type Descriptor,
  FlotillaError,
  MEDIA,
  openBundle,
  parseManifest,
} from '@flotilla/protocol';
import type { BlobStore } from '../blobs.ts';

/** A bundle on disk with everything but its model read. */
export interface StoredBundle {
  readonly digest: string;
  readonly config: BundleConfig;
  readonly spec: ModelSpec;
  readonly labels: readonly string[] | undefined;
  readonly profile: ReferenceProfile | undefined;
  /** Digest of the profile, which says whose edges the bins of a window use; empty without one. */
  readonly profileDigest: string;
  readonly model: Descriptor;
  readonly golden: Descriptor;
}

/**
 * Reads a bundle from the store.
 *
 * @throws FlotillaError `bundle.invalid` where a part is missing or malformed, `spec.invalid`
 */
export async function readBundle(blobs: BlobStore, digest: string): Promise<StoredBundle> {
  const bytes = async (blob: string, what: string): Promise<Uint8Array> => {
    const found = await blobs.read(blob);
    if (found !== undefined) return found;
    throw new FlotillaError('bundle.invalid', { where: digest, reason: `its ${what} is missing` });
  };
  const manifest = await bytes(digest, 'manifest');
  const bundle = await openBundle(manifest, await bytes(configDigest(manifest), 'config'), digest);
  const need = (found: Descriptor | undefined, what: string): Descriptor => {
    if (found !== undefined) return found;
    throw new FlotillaError('bundle.invalid', { where: digest, reason: `it has no ${what}` });
  };
  const text = async (blob: Descriptor, what: string) =>
    new TextDecoder().decode(await bytes(blob.digest, what));
  const labels = bundle.blob(MEDIA.labels);
  const profile = bundle.blob(MEDIA.profile);
  return {
    digest,
    config: bundle.config,
    spec: parseSpec(
      await text(need(bundle.blob(MEDIA.spec), 'model spec'), 'model spec'),
      `${digest} spec`,
    ),
    labels: labels && readLabels(await text(labels, 'labels')),
    profile: profile && decodeProfile(await bytes(profile.digest, 'reference profile')),
    profileDigest: profile?.digest ?? '',
    model: need(bundle.model, 'model'),
    golden: need(bundle.blob(MEDIA.golden), 'golden samples'),
  };
}

function configDigest(manifest: Uint8Array): string {
  return parseManifest(manifest).config.digest;
}

/** One label a line, in the order of the class indices. */
function readLabels(text: string): string[] {
  const lines = text.split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
