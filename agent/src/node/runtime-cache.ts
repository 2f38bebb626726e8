import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { digestHex } from '@flotilla/protocol';
import type { RuntimeCache } from '../core/index.ts';

/** Keeps what runtimes build in one folder of the data folder for each bundle. */
export function createRuntimeCache(data: string): RuntimeCache {
  const folder = (digest: string) => join(resolve(data), 'cache', digestHex(digest));
  return {
    folder,
    drop: (digest) => rm(folder(digest), { recursive: true, force: true }),
  };
}
