import { createHash } from 'node:crypto';
import { FlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPowerCutStorage } from '../testing/power-cut-storage.ts';
import { openBlobStore } from './blobs.ts';
import { type BlobSource, fetchBlob } from './fetch-blob.ts';
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
}

/** A source whose server gives these answers in turn, and then whole ones. */
async function bed(answers: Answer[]) {
  const storage = createPowerCutStorage();
  const requested: string[] = [];
  const respond = (
    { status, bytes = Number.POSITIVE_INFINITY, whole, body = content }: Answer,
    range: string,
  ): FetchResponse => {
    const from = whole ? 0 : Number(/^bytes=(\d+)-$/.exec(range)?.[1] ?? 0);
    async function* chunks() {
      const rest = body.subarray(from);
      for (let at = 0; at < Math.min(rest.length, bytes); at += 500) {
        yield rest.subarray(at, Math.min(at + 500, bytes));
      }
      if (bytes < rest.length)
        throw new FlotillaError('agent.unreachable', { url: '', reason: 'broken' });
    }
    return {
      status: status ?? (from > 0 ? 206 : 200),
      header: () => `bytes ${from}-${body.length - 1}/${body.length}`,
      body: status === undefined ? chunks() : (async function* () {})(),
    };
  };
  const source: BlobSource = {
    storage,
    blobs: await openBlobStore(storage),
    clock: { now: () => 0, monotonic: () => 0, sleep: async () => undefined },
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
  const fetch = (size = content.length) =>
    fetchBlob(source, {
      url: 'http://x/blob',
      digest,
      size,
      signal: new AbortController().signal,
      onBytes: () => undefined,
    });
  return { ...source, requested, fetch };
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
    const { fetch, storage, blobs } = await bed([]);
    await expect(fetch(9_000)).rejects.toMatchObject({ code: 'download.failed' });
    expect(await storage.size(blobs.partPath(digest))).toBe(undefined);
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
