import { createHash } from 'node:crypto';
import { FlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { openBlobStore } from './blobs.ts';
import { type BlobSource, type Flow, fetchBlob } from './fetch-blob.ts';
import type { FetchResponse } from './ports.ts';

const content = Uint8Array.from({ length: 10_000 }, (_, i) => i * 7);
const digestOf = (bytes: Uint8Array) =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const digest = digestOf(content);

interface Answer {
  readonly status?: number;
  /** Bytes that come before the connection breaks. */
  readonly bytes?: number;
  /** The server ignores ranges. */
  readonly whole?: boolean;
  /** What is sent instead. */
  readonly body?: Uint8Array;
  readonly retryAfter?: string;
}

/** As far as nothing is capped or spared. */
const FREE: Flow = { pass: async () => undefined, piece: () => undefined, took: async () => true };

/** A source whose server gives these answers in turn, and then whole ones. */
async function bed(answers: Answer[]) {
  const storage = createPowerCutStorage();
  const requested: string[] = [];
  const slept: number[] = [];
  const respond = (
    { status, bytes = Number.POSITIVE_INFINITY, whole, body = content, retryAfter }: Answer,
    range: string,
  ): FetchResponse => {
    const [, first = 0, last = body.length] = whole
      ? []
      : (/^bytes=(\d+)-(\d*)$/.exec(range) ?? []);
    const from = Number(first);
    async function* chunks() {
      const rest = body.subarray(from, Number(last || body.length) + 1);
      for (let at = 0; at < Math.min(rest.length, bytes); at += 500) {
        yield rest.subarray(at, Math.min(at + 500, bytes));
      }
      if (bytes < rest.length)
        throw new FlotillaError('agent.unreachable', { url: '', reason: 'broken' });
    }
    return {
      status: status ?? (range !== '' && !whole ? 206 : 200),
      over: 'http',
      header: (name) =>
        name === 'retry-after' ? retryAfter : `bytes ${from}-${body.length - 1}/${body.length}`,
      body: status === undefined ? chunks() : (async function* () {})(),
    };
  };
  const blobs = await openBlobStore(storage);
  const source: BlobSource = {
    storage,
    blobs,
    clock: { now: () => 0, monotonic: () => 0, sleep: async (ms) => void slept.push(ms) },
    random: () => 0.5,
    download: { firstMs: 1, longestMs: 2, tries: 4 },
    authorize: async () => ({ authorization: 'Bearer x' }),
    sha256: () => {
      const hash = createHash('sha256');
      return {
        update: (bytes) => void hash.update(bytes),
        digest: () => `sha256:${hash.digest('hex')}`,
      };
    },
    fetcher: {
      async get(_url, { headers = {} } = {}) {
        requested.push(headers.range ?? '');
        return respond(answers.shift() ?? {}, headers.range ?? '');
      },
    },
  };
  const fetch = (size = content.length, flow = FREE) =>
    fetchBlob(source, {
      url: 'http://x/blob',
      digest,
      size,
      signal: new AbortController().signal,
      flow,
      onBytes: () => undefined,
    });
  return { ...source, blobs, requested, slept, fetch };
}

describe('fetchBlob', () => {
  test('resumes where a connection broke, and asks for nothing twice', async () => {
    const { fetch, requested, blobs } = await bed([{ bytes: 3000 }, { bytes: 4000 }]);
    await fetch();
    expect(requested).toEqual(['', 'bytes=3000-', 'bytes=7000-']);
    expect(await blobs.read(digest)).toEqual(content);
    await fetch();
    expect(requested).toHaveLength(3);
  });

  test('begins anew where the server ignores ranges', async () => {
    const { fetch, blobs } = await bed([{ bytes: 3000 }, { whole: true }]);
    await fetch();
    expect(await blobs.read(digest)).toEqual(content);
  });

  test('fetches anew what was removed under it', async () => {
    const { fetch, storage, blobs } = await bed([]);
    let chunks = 0;
    const took: Flow['took'] = async () => {
      if (++chunks === 1) await storage.remove(blobs.partPath(digest));
      return true;
    };
    await fetch(undefined, { ...FREE, took });
    expect(await blobs.read(digest)).toEqual(content);
  });

  test('takes 404 as final', async () => {
    const { fetch, requested } = await bed([{ status: 404 }]);
    await expect(fetch()).rejects.toMatchObject({ code: 'download.not-found' });
    expect(requested).toHaveLength(1);
  });

  test('gives up after so many tries without a byte, never while there is progress', async () => {
    const dead = await bed(Array<Answer>(10).fill({ status: 503 }));
    await expect(dead.fetch()).rejects.toMatchObject({ code: 'download.failed' });
    expect(dead.requested).toHaveLength(4);
    const slow = await bed(Array<Answer>(15).fill({ bytes: 600 }));
    await slow.fetch();
    expect(await slow.blobs.has(digest)).toBe(true);
  });

  test('waits for as long as the server asks', async () => {
    const busy = { status: 503, retryAfter: '120' };
    const { fetch, slept } = await bed([busy, { ...busy, retryAfter: 'soon' }]);
    await fetch();
    expect(slept).toEqual([120_000 * 1.125, 2 * 0.75]);
  });

  test('asks for pieces where there is a cap, and pays for each byte once', async () => {
    const { fetch, requested, slept, blobs } = await bed([{}, { bytes: 500 }]);
    let paid = 0;
    const took: Flow['took'] = async (bytes) => {
      paid += bytes;
      return true;
    };
    await fetch(undefined, { ...FREE, piece: () => 4000, took });
    expect(requested).toEqual([
      'bytes=0-3999',
      'bytes=4000-7999',
      'bytes=4500-8499',
      'bytes=8500-',
    ]);
    expect(paid).toBe(content.length);
    expect(slept).toHaveLength(1);
    expect(await blobs.read(digest)).toEqual(content);
  });

  test('stops in the middle when the link is to be spared, and goes on there', async () => {
    const { fetch, requested, slept, blobs } = await bed([]);
    let passed = 0;
    const pass = async () => void passed++;
    const took: Flow['took'] = async () => passed > 1;
    await fetch(undefined, { ...FREE, pass, took });
    expect(requested).toEqual(['', 'bytes=500-']);
    expect(slept).toEqual([]);
    expect(await blobs.read(digest)).toEqual(content);
  });

  test('fetches garbled bytes once more, and then refuses them', async () => {
    const garbled = content.map((byte, i) => (i === 5000 ? byte + 1 : byte));
    const once = await bed([{ body: garbled }]);
    await once.fetch();
    expect(await once.blobs.read(digest)).toEqual(content);
    const always = await bed(Array<Answer>(5).fill({ body: garbled }));
    await expect(always.fetch()).rejects.toMatchObject({ code: 'bundle.digest-mismatch' });
    expect(always.requested).toHaveLength(2);
    expect(await always.blobs.has(digest)).toBe(false);
  });

  test('stops a server that sends more than was promised', async () => {
    const { fetch, storage, blobs, requested } = await bed([]);
    await expect(fetch(9_000)).rejects.toMatchObject({ code: 'download.failed' });
    expect(await storage.size(blobs.partPath(digest))).toBe(undefined);
    expect(requested).toHaveLength(4);
  });

  test('ends with the right bytes however the connection breaks', async () => {
    const answers = fc.array(fc.record({ bytes: fc.nat(12_000), whole: fc.boolean() }), {
      maxLength: 3,
    });
    await fc.assert(
      fc.asyncProperty(answers, async (script) => {
        const { fetch, blobs } = await bed([...script]);
        await fetch();
        expect(await blobs.read(digest)).toEqual(content);
      }),
      { numRuns: 50 },
    );
  });
});
