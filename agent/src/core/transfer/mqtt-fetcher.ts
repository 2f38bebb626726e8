import { type BlobChunk, decode, deviceTopics, encode, FlotillaError } from '@flotilla/protocol';
import type { Identity } from '../identity.ts';
import type { FleetClock } from '../link/fleet-clock.ts';
import type { Connection, Fetcher, FetchResponse } from '../ports.ts';
import { createPull, type Pull } from './pull.ts';

/** GET over MQTT, where HTTP is barred: manifests, blobs, deltas and metadata of the own fleet. */
export interface MqttFetcher extends Fetcher {
  /** Whether this URL can be had over MQTT now. */
  reaches(url: string): boolean;
  /** @returns whether the message was one of these transfers */
  receive(topic: string, payload: Uint8Array): boolean;
  attach(connection: Connection): void;
  detach(): void;
}

export interface MqttFetcherPorts {
  readonly identity: Identity;
  readonly clock: FleetClock;
}

/** What a URL names on the blob topics. */
interface Wanted {
  readonly name: string;
  /** Digest of the old blob, where a delta is wanted; else empty. */
  readonly from: string;
}

export function createMqttFetcher({ identity, clock }: MqttFetcherPorts): MqttFetcher {
  const topics = deviceTopics(identity.fleet, identity.device);
  const down = topics.blobChunks('');
  const pulls = new Set<{ readonly name: string; readonly pull: Pull }>();
  let connection: Connection | undefined;

  const ask = async ({ name, from }: Wanted, offset: number, length: number, chunk: number) => {
    if (connection === undefined) throw unreachable(name, 'not connected');
    const request = encode('BlobRequest', { at: clock.stamp(), offset, length, chunk, from });
    await connection.publish(topics.blobRequest(name), request, { qos: 1 });
  };

  return {
    reaches: (url) => connection !== undefined && wantedIn(identity, url) !== undefined,
    attach(live) {
      connection = live;
    },
    detach() {
      connection = undefined;
    },
    receive(topic, payload) {
      if (!topic.startsWith(down)) return false;
      const name = topic.slice(down.length);
      const takers = [...pulls].filter((one) => one.name === name);
      // decoded only where somebody waits for it; what is malformed is lost like any other
      if (takers.length > 0) {
        const chunk = decodeChunk(payload);
        if (chunk !== undefined) for (const { pull } of takers) pull.take(chunk);
      }
      return true;
    },
    async get(url, { headers = {}, signal } = {}) {
      const wanted = wantedIn(identity, url);
      if (wanted === undefined) throw unreachable(url, 'not to be had over MQTT');
      const range = /^bytes=(\d{1,15})-(\d{0,15})$/.exec(headers.range ?? '');
      const first = Number(range?.[1] ?? 0);
      const last = range?.[2] ? Number(range[2]) : Number.MAX_SAFE_INTEGER;
      const stop = signal ?? new AbortController().signal;
      const pull = createPull({
        clock,
        from: wanted.from,
        first,
        end: last + 1,
        signal: stop,
        ask: (offset, length, chunk) => ask(wanted, offset, length, chunk),
        lost: (reason) => unreachable(url, reason),
      });
      const entry = { name: wanted.name, pull };
      pulls.add(entry);
      const done = () => pulls.delete(entry);
      try {
        return responseOf(await pull.head(), first, range !== null, pull, done);
      } catch (error) {
        done();
        throw error;
      }
    },
  };
}

function decodeChunk(payload: Uint8Array): BlobChunk | undefined {
  try {
    return decode('BlobChunk', payload);
  } catch {
    return undefined;
  }
}

function responseOf(
  { status, total, digest, retryAfterMs }: BlobChunk,
  first: number,
  ranged: boolean,
  pull: Pull,
  done: () => void,
): FetchResponse {
  const headers: Readonly<Record<string, string | undefined>> = {
    etag: `"${digest}"`,
    'content-range': `bytes ${first}-${pull.end - 1}/${total}`,
    'retry-after': retryAfterMs > 0 ? `${Math.ceil(retryAfterMs / 1000)}` : undefined,
  };
  const useful = status === 206;
  if (!useful) done();
  return {
    status: useful && !ranged ? 200 : status,
    header: (name) => headers[name],
    over: 'mqtt',
    body: useful ? untilDone(pull.body(), done) : nothing(),
  };
}

async function* untilDone(body: AsyncIterable<Uint8Array>, done: () => void) {
  try {
    yield* body;
  } finally {
    done();
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

const HEX = '[0-9a-f]{64}';

function wantedIn({ api, fleet }: Identity, url: string): Wanted | undefined {
  const base = `${api}/api/1/fleets/${fleet}/`;
  if (!url.startsWith(base)) return undefined;
  const path = url.slice(base.length);
  const [, blob] = new RegExp(`^blobs/sha256:(${HEX})$`).exec(path) ?? [];
  if (blob !== undefined) return { name: blob, from: '' };
  const [, from, to] = new RegExp(`^deltas/(sha256:${HEX})/sha256:(${HEX})$`).exec(path) ?? [];
  if (from !== undefined && to !== undefined) return { name: to, from };
  const [, file] = /^tuf\/([a-z0-9.]{1,40}\.json)$/.exec(path) ?? [];
  return file === undefined ? undefined : { name: file, from: '' };
}

const unreachable = (url: string, reason: string) =>
  new FlotillaError('agent.unreachable', { url, reason: `over MQTT: ${reason}` });
