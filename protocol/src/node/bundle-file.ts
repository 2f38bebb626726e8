import { open } from 'node:fs/promises';
import { type BundleFile, type BundleFileParts, packBundle, unpackBundle } from '../bundle-tar.ts';
import { FlotillaError } from '../error.ts';
import { writeFileDurably } from './fs.ts';

/** Largest bundle file that is read into memory where the caller sets no limit: 1 GiB. */
const DEFAULT_MAX_BUNDLE_BYTES = 2 ** 30;

/** Writes a bundle as one uncompressed, deterministic tar; whole or not at all. */
export async function writeBundleFile(path: string, parts: BundleFileParts): Promise<void> {
  await writeFileDurably(path, await packBundle(parts));
}

/**
 * Reads a bundle file and checks every byte of it. Signatures are not checked here: hand
 * `metadata` to `verifyMetadata`.
 *
 * @throws FlotillaError `bundle.invalid`, `bundle.digest-mismatch`
 */
export async function readBundleFile(
  path: string,
  options: { readonly maxBytes?: number } = {},
): Promise<BundleFile> {
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_BUNDLE_BYTES;
  const file = await open(path, 'r').catch((cause) => {
    throw new FlotillaError('bundle.invalid', { where: path, reason: reasonOf(cause) }, { cause });
  });
  try {
    const info = await file.stat();
    const { size } = info;
    if (!info.isFile()) {
      throw new FlotillaError('bundle.invalid', { where: path, reason: 'it is not a file' });
    }
    if (size > maxBytes) {
      const reason = `it has ${size} bytes, more than the limit of ${maxBytes}`;
      throw new FlotillaError('bundle.invalid', { where: path, reason });
    }
    const { buffer, byteOffset, length } = await file.readFile();
    return await unpackBundle(new Uint8Array(buffer, byteOffset, length), path);
  } finally {
    await file.close();
  }
}

function reasonOf(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return code === 'ENOENT' ? 'there is no such file' : `it cannot be opened (${code ?? cause})`;
}
