import { setTimeout as sleep } from 'node:timers/promises';
import {
  type BlobChunk,
  type BlobRequest,
  type Draft,
  decode,
  deviceTopics,
  encode,
  FlotillaError,
  isDigest,
} from '@flotilla/protocol';
import type { ServerContext } from '../context.ts';
import type { Deltas } from '../deltas/deltas.ts';
import { readBlob } from '../registry/blobs.ts';
import { readMetadataFile } from '../trust/metadata-file.ts';
import { createRates } from './rate.ts';
import type { WantedBlobs } from './wanted-blobs.ts';

export interface BlobTransferParts
  extends Pick<ServerContext, 'db' | 'artifacts' | 'trust' | 'broker'> {
  readonly deltas: Deltas;
  readonly wantedBlobs: WantedBlobs;
}

/** Answers a request of a device for what lies under a name: the rest of the topic. */
export type BlobTransfer = (
  fleet: string,
  device: string,
  name: string,
  payload: Uint8Array,
) => Promise<void>;

const MOST_BYTES = 256 << 10;
const LEAST_CHUNK = 1 << 10;
const MOST_CHUNK = 64 << 10;
/** Of one device; what is above waits, and where too much waits it is not answered. */
const BYTES_PER_S = 1 << 20;
const BURST_BYTES = 1 << 20;
const AGAIN_MS = 2_000;

/** What a request names: bytes somewhere, or a status of HTTP that says why not. */
type Found =
  | {
      readonly status: 206;
      readonly digest: string;
      readonly size: number;
      read(first: number, last: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
    }
  | { readonly status: 400 | 404 | 416 | 503; readonly retryAfterMs?: number };

/**
 * Sends ranges of blobs, deltas and metadata over MQTT to devices that HTTP does not reach; of blobs
 * those only that the device's desired state names. Chunks go at QoS 0: a device asks again for what
 * it did not get, so nothing is kept of a request.
 */
export function createBlobTransfer(parts: BlobTransferParts): BlobTransfer {
  const rates = createRates(BYTES_PER_S, BURST_BYTES, () => performance.now());
  return async (fleet, device, name, payload) => {
    const request = decode('BlobRequest', payload);
    const topic = deviceTopics(fleet, device).blobChunks(name);
    const send = (chunk: Draft<BlobChunk>) =>
      parts.broker.publish(topic, encode('BlobChunk', { ...chunk, from: request.from }), {
        qos: 0,
        retain: false,
      });
    const found = await find(parts, { fleet, device, name }, request);
    if (found.status !== 206) {
      const { status, retryAfterMs = 0 } = found;
      return send({ status, retryAfterMs });
    }
    const { digest, size: total } = found;
    const last = Math.min(request.offset + request.length, total) - 1;
    const waitMs = rates.spend(`${fleet} ${device}`, last - request.offset + 1);
    if (waitMs > 0) await sleep(waitMs);
    if (total === 0) return send({ status: 206, total, digest });
    let offset = request.offset;
    for await (const data of inChunks(found.read(offset, last), request.chunk)) {
      await send({ status: 206, offset, data, total, digest });
      offset += data.length;
    }
  };
}

interface Asked {
  readonly fleet: string;
  readonly device: string;
  readonly name: string;
}

async function find(parts: BlobTransferParts, asked: Asked, request: BlobRequest): Promise<Found> {
  const { offset, length, chunk } = request;
  const sane = Number.isSafeInteger(offset) && length > 0 && length <= MOST_BYTES;
  if (!sane || chunk < LEAST_CHUNK || chunk > MOST_CHUNK) return { status: 400 };
  const found = await lookUp(parts, asked, request.from);
  if (found.status === 206 && offset >= found.size && offset > 0) return { status: 416 };
  return found;
}

async function lookUp(parts: BlobTransferParts, asked: Asked, from: string): Promise<Found> {
  const { fleet, device, name } = asked;
  if (!(await isAccepted(parts, fleet, device))) return { status: 404 };
  const digest = `sha256:${name}`;
  if (!isDigest(digest)) return metadata(parts, fleet, name);
  if (!(await parts.wantedBlobs.isWanted(fleet, device, digest))) return { status: 404 };
  try {
    const blob = await readBlob(parts, fleet, digest);
    if (from === '') return artifact(parts, blob);
    if (!isDigest(from)) return { status: 400 };
    await readBlob(parts, fleet, from);
  } catch (error) {
    if (error instanceof FlotillaError && error.status === 404) return { status: 404 };
    throw error;
  }
  const delta = await parts.deltas.find({ fleet, from, to: digest });
  if (delta.kind === 'making') return { status: 503, retryAfterMs: AGAIN_MS };
  return delta.kind === 'none' ? { status: 404 } : artifact(parts, delta);
}

const artifact = (
  { artifacts }: BlobTransferParts,
  { digest, size }: { readonly digest: string; readonly size: number },
): Found => ({
  status: 206,
  digest,
  size,
  read: (first, last) => artifacts.read(digest, { first, last }),
});

async function metadata({ trust }: BlobTransferParts, fleet: string, name: string): Promise<Found> {
  const bytes = await readMetadataFile(trust, fleet, name);
  if (bytes === undefined) return { status: 404 };
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', Uint8Array.from(bytes)));
  return {
    status: 206,
    digest: `sha256:${Buffer.from(hash).toString('hex')}`,
    size: bytes.length,
    read: (first, last) => [bytes.subarray(first, last + 1)],
  };
}

async function isAccepted({ db }: BlobTransferParts, fleet: string, device: string) {
  const row = await db
    .selectFrom('devices')
    .select('status')
    .where('fleet', '=', fleet)
    .where('device', '=', device)
    .executeTakeFirst();
  return row?.status === 'accepted';
}

async function* inChunks(
  bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  most: number,
): AsyncGenerator<Uint8Array> {
  for await (const part of bytes) {
    for (let at = 0; at < part.length; at += most) yield part.subarray(at, at + most);
  }
}
