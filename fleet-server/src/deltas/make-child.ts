import { createHash } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { constants, zstdCompressSync } from 'node:zlib';
import { encodeDelta } from '@flotilla/protocol';

export interface MakeRequest {
  /** Files with the old and the new blob, and the one to write. */
  readonly from: string;
  readonly to: string;
  readonly out: string;
  /** A longer delta is not worth it, and not finished. */
  readonly mostBytes: number;
}

/** Undefined where it would be longer than is worth it. */
export type Made = { readonly digest: string; readonly size: number } | undefined;

/** Made once, fetched by a fleet: 2 to 6 % shorter than with level 12, in ten times its time (measured). */
const LEVEL = 19;
const params = { [constants.ZSTD_c_compressionLevel]: LEVEL };

/** Runs in a child process with limits: both blobs lie in memory. */
export async function run({ from, to, out, mostBytes }: MakeRequest): Promise<Made> {
  const [old, next] = await Promise.all([readFile(from), readFile(to)]);
  const hash = createHash('sha256');
  const file = await open(out, 'w', 0o600);
  let size = 0;
  try {
    for (const piece of encodeDelta(old, next, (bytes) => zstdCompressSync(bytes, { params }))) {
      size += piece.length;
      if (size > mostBytes) return undefined;
      hash.update(piece);
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  return { digest: `sha256:${hash.digest('hex')}`, size };
}
