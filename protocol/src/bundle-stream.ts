/**
 * Reads a bundle file as it comes, from a file, a stick or a request: memory holds what is signed
 * and one chunk of one blob.
 */
import {
  type BundleConfig,
  blobsOf,
  type Descriptor,
  MAX_MANIFEST_BYTES,
  parseConfig,
  parseManifest,
} from './bundle.ts';
import { checkIndex, MAX_ENTRIES, OCI_LAYOUT, readMetadata } from './bundle-tar.ts';
import { createByteReader } from './byte-reader.ts';
import { type Digest, digestHex, sameBytes, sha256 } from './digest.ts';
import { FlotillaError } from './error.ts';
import { readTarHeader, TAR_BLOCK, type TarEntry, tarPadding } from './tar.ts';
import { MAX_METADATA_BYTES } from './trust/document.ts';
import type { TufMetadata } from './trust/metadata.ts';

/** All of a bundle file but its blobs, each part checked against the others. */
export interface BundleHead {
  readonly manifestBytes: Uint8Array;
  readonly digest: Digest;
  readonly config: BundleConfig;
  readonly configBytes: Uint8Array;
  /** Every blob that the manifest names, in the order in which they come. */
  readonly blobs: readonly Descriptor[];
  /** Signatures are not checked here: hand it to `verifyMetadata`. */
  readonly metadata: TufMetadata;
}

/** Is handed what a bundle file holds; an error that it throws ends the reading. */
export interface BundleTaker {
  /** Comes first, with manifest and config whole: whether the bundle is wanted at all. */
  head(head: BundleHead): Promise<void>;
  /**
   * A blob other than the config, of as many bytes as its descriptor says, unless the stream ends before. Its digest is
   * for the taker to check.
   */
  blob(blob: Descriptor, content: AsyncIterable<Uint8Array>): Promise<void>;
}

/**
 * @param where names the file in errors
 * @throws FlotillaError `bundle.invalid`, `bundle.digest-mismatch`, and what source and taker throw
 */
export async function readBundleStream(
  source: AsyncIterable<Uint8Array>,
  where: string,
  taker: BundleTaker,
): Promise<BundleHead> {
  const entries = openArchive(source, where);
  const head = await readHead(entries, where);
  await taker.head(head);
  for (const blob of head.blobs.slice(1)) {
    const { name, size } = await entries.next();
    if (name !== blobName(blob.digest)) throw invalid(where, `it lacks ${blobName(blob.digest)}`);
    if (size !== blob.size) throw invalid(where, `${name} has ${size} bytes, not ${blob.size}`);
    await taker.blob(blob, entries.content());
  }
  await entries.end();
  return head;
}

const blobName = (digest: Digest): string => `blobs/sha256/${digestHex(digest)}`;

const invalid = (where: string, reason: string) =>
  new FlotillaError('bundle.invalid', { where, reason });

async function readHead(entries: Archive, where: string): Promise<BundleHead> {
  const small = new Map<string, Uint8Array>();
  const take = (name: string): Uint8Array => {
    const bytes = small.get(name);
    if (bytes === undefined) throw invalid(where, `it lacks ${name}`);
    small.delete(name);
    return bytes;
  };
  let name = (await entries.next()).name;
  for (; !name.startsWith('blobs/'); { name } = await entries.next()) {
    small.set(name, await entries.whole(MAX_METADATA_BYTES));
  }
  if (!sameBytes(take('oci-layout'), OCI_LAYOUT)) {
    throw invalid(where, 'its oci-layout is not version 1.0.0');
  }
  const index = take('index.json');
  const tuf: TarEntry[] = [...small].map(([name, bytes]) => ({ name, bytes }));
  if (tuf.length === 0) throw invalid(where, 'its signed metadata does not come before its blobs');
  const metadata = readMetadata(tuf, take);
  const [extra] = small.keys();
  if (extra !== undefined) throw invalid(where, `it holds ${extra}, which nothing names`);

  const manifestBytes = await entries.whole(MAX_MANIFEST_BYTES);
  await checkDigest(name, manifestBytes, where);
  const blobs = blobsOf(parseManifest(manifestBytes, where));
  await checkIndex(index, manifestBytes, tuf, where);
  const config = await entries.next();
  const configBytes = await entries.whole(MAX_MANIFEST_BYTES);
  await checkDigest(config.name, configBytes, where);
  if (config.name !== blobName(blobs[0]?.digest ?? '')) {
    throw invalid(where, `it holds ${config.name} where its config should be`);
  }
  const digest = await sha256(manifestBytes);
  return {
    manifestBytes,
    digest,
    config: parseConfig(configBytes, where),
    configBytes,
    blobs,
    metadata,
  };
}

async function checkDigest(name: string, bytes: Uint8Array, where: string): Promise<void> {
  const actual = await sha256(bytes);
  const expected = `sha256:${name.split('/').at(-1)}`;
  if (actual === expected) return;
  throw new FlotillaError('bundle.digest-mismatch', {
    where: `${where}: ${name}`,
    expected,
    actual,
  });
}

/** A tar archive, entry by entry; each must be read whole before the next. */
interface Archive {
  next(): Promise<{ readonly name: string; readonly size: number }>;
  content(): AsyncGenerator<Uint8Array>;
  whole(limit: number): Promise<Uint8Array>;
  /** Nothing may come any more. */
  end(): Promise<void>;
}

function openArchive(source: AsyncIterable<Uint8Array>, where: string): Archive {
  const reader = createByteReader(source);
  const names = new Set<string>();
  let entry = { name: '', size: 0 };

  async function skipPadding(): Promise<void> {
    const length = tarPadding(entry.size);
    const padding = await reader.take(length);
    if (padding.length < length) throw cutOff();
    if (padding.some((byte) => byte !== 0)) {
      throw invalid(where, `the padding after ${entry.name} is not zero`);
    }
  }

  const cutOff = () => {
    const within = entry.name === '' ? 'before its first entry' : `within ${entry.name}`;
    return invalid(where, `it ends ${within}`);
  };

  const self: Archive = {
    async next() {
      const at = reader.at;
      const block = await reader.take(TAR_BLOCK);
      if (block.length < TAR_BLOCK) throw cutOff();
      const header = readTarHeader(block, at);
      if (!header.ok) throw invalid(where, header.reason);
      const { name, size } = header;
      if (names.has(name)) throw invalid(where, `it holds ${name} twice`);
      if (names.size === MAX_ENTRIES) throw invalid(where, `more than ${MAX_ENTRIES} entries`);
      names.add(name);
      entry = { name, size };
      return entry;
    },
    async *content() {
      const began = reader.at;
      yield* reader.stream(entry.size);
      if (reader.at - began < entry.size) throw cutOff();
      await skipPadding();
    },
    async whole(limit) {
      if (entry.size > limit) {
        throw invalid(where, `${entry.name} has ${entry.size} bytes, at most ${limit} are read`);
      }
      const bytes = await reader.take(entry.size);
      if (bytes.length < entry.size) throw cutOff();
      await skipPadding();
      return bytes;
    },
    async end() {
      const at = reader.at;
      const rest = await reader.take(2 * TAR_BLOCK + 1);
      const ends = rest.length === 2 * TAR_BLOCK && rest.every((byte) => byte === 0);
      if (!ends) throw invalid(where, `it does not end with two empty blocks after byte ${at}`);
    },
  };
  return self;
}
