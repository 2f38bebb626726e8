export interface BlobPlace {
  /** Blobs lie at `{base}/{digest}`. */
  readonly base: string;
  /** Whether it is the fleet's own server: the device logs in nowhere else. */
  readonly own: boolean;
}

/** Where the blobs of a deployment lie: a path on the fleet's server, or a URL as it stands. */
export function blobPlace(url: string, api: string): BlobPlace {
  const base = url.startsWith('/') ? `${api}${url}` : url;
  return { base, own: base.startsWith(`${api}/`) };
}
