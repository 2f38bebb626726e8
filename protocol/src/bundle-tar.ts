/** A bundle as one file: an OCI image layout in a tar, with the signed metadata beside the blobs. */
import { canonicalize } from '@tufjs/canonical-json';
import { type BundleContent, blobsOf, MAX_BLOBS, MEDIA, parseManifest } from './bundle.ts';
import { type Digest, digestHex, sameBytes, sha256 } from './digest.ts';
import { FlotillaError } from './error.ts';
import { readTar, type TarEntry, writeTar } from './tar.ts';
import { versionOf } from './trust/document.ts';
import type { TufMetadata } from './trust/metadata.ts';

export interface BundleFile extends BundleContent {
  readonly metadata: TufMetadata;
}

export type BundleFileParts = Omit<BundleFile, 'digest'>;

/** Signed roots that one file may carry: as many rotations as a device may have missed. */
const MAX_ROOTS = 32;
export const MAX_ENTRIES = MAX_BLOBS + MAX_ROOTS + 8;
export const OCI_LAYOUT = new TextEncoder().encode('{"imageLayoutVersion":"1.0.0"}');

/**
 * The file's bytes as a list of chunks; same bundle and metadata give same bytes. What is signed
 * comes before the blobs, so that a reader of a stream stores nothing that it may not have.
 */
export async function packBundle(parts: BundleFileParts): Promise<Uint8Array[]> {
  const { manifestBytes, blobs } = parts;
  const manifest = { name: blobName(await sha256(manifestBytes)), bytes: manifestBytes };
  const content: TarEntry[] = [manifest];
  for (const { digest } of blobsOf(parseManifest(manifestBytes))) {
    const bytes = blobs.get(digest);
    if (bytes === undefined) {
      throw new FlotillaError('bundle.invalid', { where: 'bundle', reason: `lacks ${digest}` });
    }
    content.push({ name: blobName(digest), bytes });
  }
  const tuf = metadataEntries(parts.metadata);
  return writeTar([
    { name: 'oci-layout', bytes: OCI_LAYOUT },
    { name: 'index.json', bytes: await makeIndex(manifestBytes, tuf) },
    ...tuf,
    ...content,
  ]);
}

/**
 * Opens a bundle file and checks every byte of it: names, sizes and digest of each blob.
 *
 * @param where names the file in errors
 * @throws FlotillaError `bundle.invalid`, `bundle.digest-mismatch`
 */
export async function unpackBundle(file: Uint8Array, where: string): Promise<BundleFile> {
  const invalid = (reason: string) => new FlotillaError('bundle.invalid', { where, reason });
  const tar = readTar(file, { maxEntries: MAX_ENTRIES });
  if (!tar.ok) throw invalid(tar.reason);
  const entries = new Map(tar.entries.map(({ name, bytes }) => [name, bytes]));
  const take = (name: string): Uint8Array => {
    const bytes = entries.get(name);
    if (bytes === undefined) throw invalid(`it lacks ${name}`);
    entries.delete(name);
    return bytes;
  };

  if (!sameBytes(take('oci-layout'), OCI_LAYOUT))
    throw invalid('its oci-layout is not version 1.0.0');
  const index = take('index.json');
  const tuf = tar.entries.filter(({ name }) => name.startsWith('tuf/'));
  const metadata = readMetadata(tuf, take);
  const first = tar.entries.find(({ name }) => name.startsWith('blobs/'));
  if (first === undefined) throw invalid('it holds no blobs');
  const manifestBytes = take(first.name);
  await checkDigest(first, where);
  const manifest = parseManifest(manifestBytes, where);

  const blobs = new Map<Digest, Uint8Array>();
  for (const { digest, size } of blobsOf(manifest)) {
    const name = blobName(digest);
    const bytes = take(name);
    if (bytes.length !== size) throw invalid(`${name} has ${bytes.length} bytes, not ${size}`);
    await checkDigest({ name, bytes }, where);
    blobs.set(digest, bytes);
  }
  const [extra] = entries.keys();
  if (extra !== undefined) throw invalid(`it holds ${extra}, which nothing names`);
  await checkIndex(index, manifestBytes, tuf, where);
  return { manifestBytes, digest: await sha256(manifestBytes), blobs, metadata };
}

const blobName = (digest: Digest): string => `blobs/sha256/${digestHex(digest)}`;

async function checkDigest({ name, bytes }: TarEntry, where: string): Promise<void> {
  const actual = await sha256(bytes);
  const expected = `sha256:${name.split('/').at(-1)}`;
  if (actual === expected) return;
  const blob = `${where}: ${name}`;
  throw new FlotillaError('bundle.digest-mismatch', { where: blob, expected, actual });
}

/** The newest root as `root.json`, those before it as `N.root.json`. */
function metadataEntries({ root, timestamp, snapshot, targets }: TufMetadata): TarEntry[] {
  const newest = root.at(-1);
  if (newest === undefined || root.length > MAX_ROOTS) {
    const reason = `it needs 1 to ${MAX_ROOTS} signed roots, not ${root.length}`;
    throw new FlotillaError('bundle.invalid', { where: 'bundle', reason });
  }
  return [
    ...root.slice(0, -1).map((bytes) => ({ name: `tuf/${versionOf(bytes)}.root.json`, bytes })),
    { name: 'tuf/root.json', bytes: newest },
    { name: 'tuf/timestamp.json', bytes: timestamp },
    { name: 'tuf/snapshot.json', bytes: snapshot },
    { name: 'tuf/targets.json', bytes: targets },
  ];
}

/** The signed files among entries; `take` gives each one's bytes, or throws. */
export function readMetadata(
  entries: readonly TarEntry[],
  take: (name: string) => Uint8Array,
): TufMetadata {
  const older = entries
    .map(({ name }) => ({
      name,
      version: Number(/^tuf\/([1-9]\d{0,8})\.root\.json$/.exec(name)?.[1]),
    }))
    .filter(({ version }) => !Number.isNaN(version))
    .sort((a, b) => a.version - b.version);
  return {
    root: [...older.map(({ name }) => take(name)), take('tuf/root.json')],
    timestamp: take('tuf/timestamp.json'),
    snapshot: take('tuf/snapshot.json'),
    targets: take('tuf/targets.json'),
  };
}

/**
 * The layout's index. Its annotations name the digest of each metadata file: signatures cover the
 * meaning of metadata, not white space, and a copy that lost a byte should say so.
 */
async function makeIndex(manifest: Uint8Array, tuf: readonly TarEntry[]): Promise<Uint8Array> {
  const annotations: Record<string, string> = {};
  for (const { name, bytes } of tuf) annotations[annotationKey(name)] = await sha256(bytes);
  const descriptor = {
    mediaType: MEDIA.manifest,
    artifactType: parseManifest(manifest).artifactType,
    digest: await sha256(manifest),
    size: manifest.length,
  };
  const index = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [descriptor],
    annotations,
  };
  return new TextEncoder().encode(canonicalize(index));
}

const annotationKey = (name: string): string => `vnd.flotilla.${name.replace('/', '.')}`;

/** @throws FlotillaError `bundle.digest-mismatch`, `bundle.invalid` where the index describes something else */
export async function checkIndex(
  index: Uint8Array,
  manifest: Uint8Array,
  tuf: readonly TarEntry[],
  where: string,
): Promise<void> {
  if (sameBytes(index, await makeIndex(manifest, tuf))) return;
  const text = new TextDecoder().decode(index);
  for (const { name, bytes } of tuf) {
    const actual = await sha256(bytes);
    const [, expected] = text.split(`"${annotationKey(name)}":"`);
    if (expected === undefined || expected.startsWith(`${actual}"`)) continue;
    const digest = expected.slice(0, actual.length);
    const context = { where: `${where}: ${name}`, expected: digest, actual };
    throw new FlotillaError('bundle.digest-mismatch', context);
  }
  const reason = 'its index.json does not describe its content';
  throw new FlotillaError('bundle.invalid', { where, reason });
}
