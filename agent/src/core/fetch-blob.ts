import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { type BackoffOptions, createBackoff } from './backoff.ts';
import type { BlobStore } from './blobs.ts';
import type { Clock, Fetcher, FetchResponse, Random, Sha256, Storage } from './ports.ts';

/** Bytes that a power cut may cost: what arrived is synced each time as much has come. */
const SYNC_EVERY = 4 << 20;
const READ_CHUNK = 1 << 20;

export interface DownloadOptions extends BackoffOptions {
  /** Tries in a row without one byte of progress before the download fails. */
  readonly tries: number;
}

export interface BlobSource {
  readonly storage: Storage;
  readonly blobs: BlobStore;
  readonly fetcher: Fetcher;
  readonly clock: Clock;
  readonly random: Random;
  sha256(): Sha256;
  /** HTTP headers that log this device in, made anew for each try. */
  authorize(): Promise<Readonly<Record<string, string>>>;
  readonly download: DownloadOptions;
}

export interface BlobRequest {
  readonly url: string;
  readonly digest: string;
  readonly size: number;
  readonly signal: AbortSignal;
  /** Bytes of this blob that are on disk now. */
  onBytes(done: number): void;
}

/**
 * Brings a blob to the store: resumes from what lies there, digests while it streams, tries again
 * with back-off while it makes progress. Nothing to do where the blob is complete.
 *
 * @throws FlotillaError `download.not-found`, `download.failed`, `bundle.digest-mismatch`
 */
export async function fetchBlob(source: BlobSource, request: BlobRequest): Promise<void> {
  const { blobs, clock, download } = source;
  if (await blobs.has(request.digest)) return request.onBytes(request.size);
  const backoff = createBackoff(download, source.random);
  let fruitless = 0;
  let mismatches = 0;
  for (;;) {
    request.signal.throwIfAborted();
    const before = await partSize(source, request);
    try {
      await fetchRest(source, request, before);
      return await blobs.complete(request.digest);
    } catch (error) {
      request.signal.throwIfAborted();
      if (!isPassing(error)) throw error;
      // bytes that a power cut or a proxy garbled are fetched once more, from the start
      if (isFlotillaError(error, 'bundle.digest-mismatch') && ++mismatches > 1) throw error;
      const progressed = (await partSize(source, request)) > before;
      if (progressed) backoff.reset();
      fruitless = progressed ? 0 : fruitless + 1;
      if (fruitless >= download.tries) throw error;
    }
    await clock.sleep(backoff.next(), request.signal);
  }
}

const isPassing = (error: unknown): boolean =>
  isFlotillaError(error, 'download.failed') ||
  isFlotillaError(error, 'agent.unreachable') ||
  isFlotillaError(error, 'bundle.digest-mismatch');

async function partSize({ storage, blobs }: BlobSource, { digest }: BlobRequest) {
  return (await storage.size(blobs.partPath(digest))) ?? 0;
}

/** One request for the bytes that are missing; throws where they do not come or are wrong. */
async function fetchRest(source: BlobSource, request: BlobRequest, onDisk: number): Promise<void> {
  const { storage, blobs, fetcher } = source;
  const part = blobs.partPath(request.digest);
  const resumed = onDisk > 0 && onDisk <= request.size;
  if (resumed && onDisk === request.size)
    return finish(source, request, await hashPart(source, part));
  const headers = {
    ...(await source.authorize()),
    ...(resumed ? { range: `bytes=${onDisk}-` } : {}),
  };
  const response = await fetcher.get(request.url, { headers, signal: request.signal });
  const offset = judgeResponse(response, request, resumed ? onDisk : 0);
  if (offset === 0) await storage.write(part, new Uint8Array());
  const hash = offset === 0 ? source.sha256() : await hashPart(source, part);
  const size = await takeBody(storage, part, response, hash, request, offset);
  if (size < request.size) {
    throw failed(request, `the connection ended after ${size} of ${request.size} bytes`);
  }
  await finish(source, request, hash);
}

/** Where the body begins; 404 and 410 are final. */
function judgeResponse(response: FetchResponse, request: BlobRequest, from: number): number {
  const { status } = response;
  if (status === 404 || status === 410) {
    throw new FlotillaError('download.not-found', { url: request.url });
  }
  if (status === 200) return 0;
  const start = /^bytes (\d+)-/.exec(response.header('content-range') ?? '')?.[1];
  if (status === 206 && Number(start) === from) return from;
  throw failed(request, `the server answered ${status}`);
}

async function takeBody(
  storage: Storage,
  part: string,
  response: FetchResponse,
  hash: Sha256,
  request: BlobRequest,
  offset: number,
): Promise<number> {
  let size = offset;
  let unsynced = 0;
  try {
    for await (const chunk of response.body) {
      if (size + chunk.length > request.size) {
        await storage.remove(part);
        throw failed(request, `more than the promised ${request.size} bytes came`);
      }
      await storage.append(part, chunk);
      hash.update(chunk);
      size += chunk.length;
      unsynced += chunk.length;
      if (unsynced >= SYNC_EVERY) {
        await storage.sync(part);
        unsynced = 0;
      }
      request.onBytes(size);
    }
  } finally {
    if (unsynced > 0 && (await storage.size(part)) !== undefined) await storage.sync(part);
  }
  return size;
}

async function finish(source: BlobSource, request: BlobRequest, hash: Sha256): Promise<void> {
  const part = source.blobs.partPath(request.digest);
  const actual = hash.digest();
  if (actual !== request.digest) {
    await source.storage.remove(part);
    const { url: where, digest: expected } = request;
    throw new FlotillaError('bundle.digest-mismatch', { where, expected, actual });
  }
  if ((await source.storage.size(part)) === undefined) {
    await source.storage.write(part, new Uint8Array());
  }
  await source.storage.sync(part);
  request.onBytes(request.size);
}

async function hashPart({ storage, sha256 }: BlobSource, path: string): Promise<Sha256> {
  const hash = sha256();
  await eachChunk(storage, path, (chunk) => hash.update(chunk));
  return hash;
}

/** Reads a file in pieces, so that a model never lies in memory whole. */
export async function eachChunk(
  storage: Storage,
  path: string,
  take: (chunk: Uint8Array) => void,
): Promise<void> {
  for (let offset = 0; ; offset += READ_CHUNK) {
    const chunk = await storage.readRange(path, offset, READ_CHUNK);
    if (chunk === undefined || chunk.length === 0) return;
    take(chunk);
    if (chunk.length < READ_CHUNK) return;
  }
}

const failed = ({ url }: BlobRequest, reason: string) =>
  new FlotillaError('download.failed', { url, reason });
