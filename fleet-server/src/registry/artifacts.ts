import type { Readable } from 'node:stream';

export interface ArtifactInfo {
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
}

/** Bytes by digest. What `put` has acknowledged is on the disk; what is served is whole. */
export interface ArtifactStore {
  /** @throws FlotillaError `bundle.digest-mismatch` where the bytes are not those of the digest */
  put(digest: string, content: Uint8Array): Promise<void>;
  /** Undefined where the store does not hold it. */
  stat(digest: string): Promise<ArtifactInfo | undefined>;
  /** Bytes first to last inclusive; all of them where no range is given. */
  read(digest: string, range?: { readonly first: number; readonly last: number }): Readable;
}
