import {
  type Descriptor,
  decodeDelta,
  FlotillaError,
  isDigest,
  isFlotillaError,
  type RandomAccess,
} from '@flotilla/protocol';
import { blobsIn } from '../blobs.ts';
import { type BlobSource, fetchBlob } from '../fetch-blob.ts';
import type { Storage, Unpack } from '../ports.ts';
import { retry, retryAfterMs } from '../retry.ts';
import type { StepContext } from './context.ts';
import type { Transferring } from './transferring.ts';

/** A longer delta saves too little; servers do not offer one. */
const LARGEST_SHARE = 0.7;
/** A delta of a large model may take the server minutes; a device that waits longer takes the blob. */
const LONGEST_MAKING_MS = 900_000;
/** Of what is made, as much as this may be lost in a power cut: it is made again. */
const SYNC_EVERY = 4 << 20;

/** Blobs of the bundle that the slot runs, by the blob of the new one that takes their place. */
export async function findBases(
  { journal, blobs }: Pick<StepContext, 'journal' | 'blobs'>,
  slot: string,
  parts: readonly Descriptor[],
): Promise<ReadonlyMap<string, string>> {
  const running = journal.state.slots[slot]?.active?.digest;
  const manifest = running === undefined ? undefined : await blobs.read(running);
  if (manifest === undefined) return new Map();
  // none where it is damaged, which the new bundle may be sent to mend
  const old = blobsIn(manifest);
  const nth = (list: readonly Descriptor[], part: Descriptor) =>
    list.filter(({ mediaType }) => mediaType === part.mediaType);
  const bases = parts.flatMap((part) => {
    const place = nth(parts, part).indexOf(part);
    const base = nth(old, part)[place];
    return base === undefined || base.digest === part.digest
      ? []
      : ([[part.digest, base.digest]] as const);
  });
  return new Map(bases);
}

export interface DeltaRequest {
  /** URL below which deltas lie, at `{from}/{to}`. */
  readonly place: string;
  readonly from: string;
  readonly to: Descriptor;
  readonly unpack: Unpack;
  readonly signal: AbortSignal;
}

/**
 * Makes a blob of one that is on disk and a delta, block by block, and checks the digest of the
 * whole. The delta stays on disk until then, so that a crash costs no byte twice.
 *
 * @returns why there is no blob, in a phrase; undefined where it is in the store
 */
export async function fetchDelta(
  context: StepContext,
  source: BlobSource,
  transfer: Transferring,
  request: DeltaRequest,
): Promise<string | undefined> {
  const { to, from, signal } = request;
  if (!(await context.blobs.has(from))) return 'the old blob is not on disk';
  try {
    const delta = await findDelta(context, source, transfer, request);
    if (typeof delta === 'string') return delta;
    const store = context.blobs.deltaStore(to.digest);
    await fetchBlob(
      { ...source, blobs: store },
      {
        ...delta,
        url: urlOf(request),
        signal,
        flow: transfer.flow('delta'),
        onBytes: () => undefined,
      },
    );
    await apply(context, store.path(delta.digest), request);
    await context.blobs.dropDeltas(to.digest);
    await context.storage.remove(context.blobs.partPath(to.digest));
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof FlotillaError) || !isPassedOver(error)) throw error;
    await context.blobs.dropDeltas(to.digest);
    return error.message;
  }
}

/** What the whole blob may help against. */
const isPassedOver = (error: FlotillaError): boolean =>
  isFlotillaError(error, 'delta.invalid') ||
  isFlotillaError(error, 'download.not-found') ||
  isFlotillaError(error, 'download.failed') ||
  isFlotillaError(error, 'bundle.digest-mismatch') ||
  isFlotillaError(error, 'storage.full');

const urlOf = ({ place, from, to }: DeltaRequest): string => `${place}/${from}/${to.digest}`;

type Found = { readonly digest: string; readonly size: number };

/** Asks until the server has made it: its digest and size, or in a phrase why there is none. */
async function findDelta(
  context: StepContext,
  { fetcher, authorize }: BlobSource,
  transfer: Transferring,
  request: DeltaRequest,
): Promise<Found | string> {
  const { clock, settings } = context;
  const { signal, to } = request;
  const url = urlOf(request);
  const giveUpMs = clock.monotonic() + LONGEST_MAKING_MS;
  for (;;) {
    await transfer.gate.pass('delta', signal);
    signal.throwIfAborted();
    const response = await retry(context, settings.download, signal, async () =>
      fetcher.get(url, { headers: { ...(await authorize()), range: 'bytes=0-0' }, signal }),
    );
    const { status } = response;
    for await (const _ of response.body) break;
    if (status === 206) {
      const [, size = ''] = /\/(\d{1,15})$/.exec(response.header('content-range') ?? '') ?? [];
      const digest = (response.header('etag') ?? '').replaceAll('"', '');
      if (!isDigest(digest) || size === '') return 'the server does not say which delta it has';
      if (Number(size) > to.size * LARGEST_SHARE) return 'the delta saves too little';
      return { digest, size: Number(size) };
    }
    if (status !== 503) return `the server has no delta (${status})`;
    const askedMs = retryAfterMs(response, clock.now()) ?? settings.download.firstMs;
    const pauseMs = askedMs * (1 + context.random() / 4);
    if (clock.monotonic() + pauseMs > giveUpMs) return 'the server takes too long to make a delta';
    await clock.sleep(pauseMs, signal);
  }
}

async function apply(context: StepContext, delta: string, request: DeltaRequest): Promise<void> {
  const { storage, blobs, sha256 } = context;
  const { from, to, signal, unpack } = request;
  const part = blobs.madePath(to.digest);
  const hash = sha256();
  let unsynced = 0;
  await storage.write(part, new Uint8Array());
  for await (const piece of decodeDelta({
    delta: await openFile(storage, delta),
    from: await openFile(storage, blobs.path(from)),
    toSize: to.size,
    decompress: unpack,
  })) {
    signal.throwIfAborted();
    await storage.append(part, piece);
    hash.update(piece);
    unsynced += piece.length;
    if (unsynced >= SYNC_EVERY) {
      await storage.sync(part);
      unsynced = 0;
    }
  }
  const actual = hash.digest();
  if (actual !== to.digest) {
    const where = 'what a delta makes';
    throw new FlotillaError('bundle.digest-mismatch', { where, expected: to.digest, actual });
  }
  await storage.sync(part);
  await blobs.complete(to.digest, part);
}

async function openFile(storage: Storage, path: string): Promise<RandomAccess> {
  const size = (await storage.size(path)) ?? 0;
  return {
    size,
    async read(offset, length) {
      const bytes = await storage.readRange(path, offset, length);
      if (bytes?.length === length) return bytes;
      throw new FlotillaError('delta.invalid', { reason: 'a file on disk ends early' });
    },
  };
}
