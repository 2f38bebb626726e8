import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { type BackoffOptions, createBackoff } from './backoff.ts';
import type { BlobPlaces } from './blobs.ts';
import type { Clock, Fetcher, FetchResponse, Random, Sha256, Storage } from './ports.ts';
import { pauseMs, retryAfterMs } from './retry.ts';

/** Bytes that a power cut may cost: what arrived is synced each time as much has come. */
const SYNC_EVERY = 4 << 20;
const READ_CHUNK = 1 << 20;

export interface DownloadOptions extends BackoffOptions {
  /** Tries in a row without one byte of progress before the download fails. */
  readonly tries: number;
}

export interface BlobSource {
  readonly storage: Storage;
  readonly blobs: BlobPlaces;
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
  readonly flow: Flow;
  /** Bytes of this blob that are on disk now. */
  onBytes(done: number): void;
}

/** Lets bytes in as owner and fleet of the device allow. */
export interface Flow {
  /** Resolves when a transfer may begin. */
  pass(signal: AbortSignal): Promise<void>;
  /** Bytes to ask for at once; undefined: all. */
  piece(): number | undefined;
  /** Accounts for bytes that came, as soon as more may come; false: the transfer is to stop here. */
  took(bytes: number, response: FetchResponse, signal: AbortSignal): Promise<boolean>;
}

/** What lies on disk of a blob, digested. */
interface Part {
  size: number;
  hash: Sha256;
}

/**
 * Brings a blob to the store: resumes from what lies there, digests while it streams, tries again
 * with back-off while it makes progress. Nothing to do where the blob is complete.
 *
 * @throws FlotillaError `download.not-found`, `download.failed`, `bundle.digest-mismatch`
 */
export async function fetchBlob(source: BlobSource, request: BlobRequest): Promise<void> {
  const { blobs, clock, download, random } = source;
  const { signal, digest } = request;
  if (await blobs.has(digest)) return request.onBytes(request.size);
  const backoff = createBackoff(download, random);
  let fruitless = 0;
  let mismatches = 0;
  let part = await openPart(source, request);
  for (;;) {
    await request.flow.pass(signal);
    signal.throwIfAborted();
    const before = part.size;
    let pause: number;
    try {
      if (await fetchMore(source, request, part)) return await blobs.complete(digest);
      continue;
    } catch (error) {
      signal.throwIfAborted();
      if (!isPassing(error)) throw error;
      // bytes that a power cut or a proxy garbled are fetched once more, from the start
      const garbled = isFlotillaError(error, 'bundle.digest-mismatch');
      if (garbled && ++mismatches > 1) throw error;
      part = await openPart(source, request);
      const progressed = part.size > before;
      if (progressed) backoff.reset();
      fruitless = progressed ? 0 : fruitless + 1;
      if (fruitless >= download.tries) throw error;
      pause = pauseMs(error, backoff, random);
    }
    await clock.sleep(pause, signal);
  }
}

const isPassing = (error: unknown): boolean =>
  isFlotillaError(error, 'download.failed') ||
  isFlotillaError(error, 'agent.unreachable') ||
  isFlotillaError(error, 'bundle.digest-mismatch');

/** What lies on disk, read again: after a fault only that counts. */
async function openPart(source: BlobSource, { digest, size }: BlobRequest): Promise<Part> {
  const path = source.blobs.partPath(digest);
  const onDisk = (await source.storage.size(path)) ?? 0;
  if (onDisk > size) return { size: 0, hash: source.sha256() };
  return { size: onDisk, hash: await hashPart(source, path) };
}

/**
 * One request for bytes that are missing; throws where they do not come or are wrong.
 *
 * @returns whether the blob is complete
 */
async function fetchMore(source: BlobSource, request: BlobRequest, part: Part): Promise<boolean> {
  const { storage, blobs, fetcher } = source;
  const path = blobs.partPath(request.digest);
  if (part.size === 0 || part.size < request.size) {
    const { size: from } = part;
    const piece = request.flow.piece();
    const end = Math.min(request.size, from + (piece ?? request.size));
    const headers = { ...(await source.authorize()), ...rangeOf(from, end, request.size) };
    const response = await fetcher.get(request.url, { headers, signal: request.signal });
    const offset = judgeResponse(source, response, request, from);
    if (offset === 0) await storage.write(path, new Uint8Array());
    if (offset === 0 && from > 0) Object.assign(part, { size: 0, hash: source.sha256() });
    const stopped = await takeBody(source, path, response, request, part);
    if (!stopped && part.size < end) {
      const reason = `the connection ended after ${part.size} of ${request.size} bytes`;
      throw failed(request, reason);
    }
    if (part.size < request.size) return false;
  }
  await finish(source, request, part.hash);
  return true;
}

/** No header where everything is wanted: some servers answer a range of the whole with 206. */
function rangeOf(from: number, end: number, size: number): Readonly<Record<string, string>> {
  if (end < size) return { range: `bytes=${from}-${end - 1}` };
  return from > 0 ? { range: `bytes=${from}-` } : {};
}

/** Where the body begins; 404 and 410 are final. */
function judgeResponse(
  { clock }: BlobSource,
  response: FetchResponse,
  request: BlobRequest,
  from: number,
): number {
  const { status } = response;
  if (status === 404 || status === 410) {
    throw new FlotillaError('download.not-found', { url: request.url });
  }
  if (status === 200) return 0;
  const start = /^bytes (\d+)-/.exec(response.header('content-range') ?? '')?.[1];
  if (status === 206 && Number(start) === from) return from;
  const asked = retryAfterMs(response, clock.now());
  const { url } = request;
  throw new FlotillaError('download.failed', {
    url,
    reason: `the server answered ${status}`,
    ...(asked === undefined ? {} : { retryAfterMs: asked }),
  });
}

/** @returns whether it was stopped before the body ended */
async function takeBody(
  { storage }: BlobSource,
  path: string,
  response: FetchResponse,
  request: BlobRequest,
  part: Part,
): Promise<boolean> {
  let unsynced = 0;
  try {
    for await (const chunk of response.body) {
      if (part.size + chunk.length > request.size) {
        await storage.remove(path);
        throw failed(request, `more than the promised ${request.size} bytes came`);
      }
      await storage.append(path, chunk);
      part.hash.update(chunk);
      part.size += chunk.length;
      unsynced += chunk.length;
      if (unsynced >= SYNC_EVERY) {
        await storage.sync(path);
        unsynced = 0;
      }
      request.onBytes(part.size);
      if (!(await request.flow.took(chunk.length, response, request.signal))) return true;
    }
  } finally {
    if (unsynced > 0 && (await storage.size(path)) !== undefined) await storage.sync(path);
  }
  return false;
}

async function finish(source: BlobSource, request: BlobRequest, hash: Sha256): Promise<void> {
  const part = source.blobs.partPath(request.digest);
  const actual = hash.digest();
  if (actual !== request.digest) {
    await source.storage.remove(part);
    const { url: where, digest: expected } = request;
    throw new FlotillaError('bundle.digest-mismatch', { where, expected, actual });
  }
  if (request.size === 0) await source.storage.write(part, new Uint8Array());
  // room may have been made by removing it meanwhile
  const onDisk = (await source.storage.size(part)) ?? 0;
  if (onDisk !== request.size) throw failed(request, `${onDisk} bytes of it lie on disk`);
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
