import { promisify } from 'node:util';
import { constants, zstdDecompress } from 'node:zlib';
import type { Unpack } from '../core/index.ts';

const decompress = promisify(zstdDecompress);

/** Memory that a frame may ask for: 8 MiB, what every decoder must have (RFC 8878 §3.1.1.1.2). */
const LARGEST_WINDOW_LOG = 23;

export const unpackZstd: Unpack = (bytes, maxOutputLength) =>
  decompress(bytes, {
    maxOutputLength,
    params: { [constants.ZSTD_d_windowLogMax]: LARGEST_WINDOW_LOG },
  });
