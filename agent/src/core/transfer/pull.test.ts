import type { BlobChunk } from '@flotilla/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Clock } from '../ports.ts';
import { createPull, type Pull } from './pull.ts';

const CONTENT = Uint8Array.from({ length: 150_000 }, (_, i) => (i * 31) ^ (i >> 8));
const DIGEST = `sha256:${'a'.repeat(64)}`;

interface Behavior {
  /** What becomes of the next chunk; after the list every one arrives. */
  readonly fates: readonly ('arrives' | 'lost' | 'twice' | 'late')[];
  readonly first?: number;
  readonly end?: number;
  readonly status?: number;
}

/** A server behind a line that loses, doubles and delays chunks; silence passes at once. */
function bed({ fates, first = 0, end = Number.MAX_SAFE_INTEGER, status = 206 }: Behavior) {
  const left = [...fates];
  const asked: { offset: number; length: number }[] = [];
  let delayed: BlobChunk[] = [];
  let nowMs = 0;
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    async sleep(milliseconds, signal) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!signal?.aborted) nowMs += milliseconds;
    },
  };
  let digest = DIGEST;
  const pull: Pull = createPull({
    clock,
    from: '',
    first,
    end,
    signal: new AbortController().signal,
    lost: (reason) => new Error(reason),
    async ask(offset, length, chunk) {
      asked.push({ offset, length });
      const before = delayed;
      delayed = [];
      const deliver = (one: BlobChunk) => queueMicrotask(() => pull.take(one));
      for (let at = offset; at < Math.min(offset + length, CONTENT.length); at += chunk) {
        const data = CONTENT.slice(at, Math.min(at + chunk, offset + length));
        const base = { status, total: CONTENT.length, digest, from: '', retryAfterMs: 0 };
        const one: BlobChunk = { ...base, offset: at, data };
        const fate = left.shift() ?? 'arrives';
        if (fate === 'late') delayed.push(one);
        if (fate === 'arrives' || fate === 'twice') deliver(one);
        if (fate === 'twice') deliver(one);
      }
      for (const one of before) deliver(one);
    },
  });
  const read = async () => {
    await pull.head();
    const parts: Uint8Array[] = [];
    for await (const part of pull.body()) parts.push(part);
    return Uint8Array.from(Buffer.concat(parts));
  };
  return {
    pull,
    asked,
    read,
    change: () => {
      digest = `sha256:${'b'.repeat(64)}`;
    },
  };
}

describe('a transfer in chunks', () => {
  test('asks for more at once while it comes quickly', async () => {
    const { read, asked } = bed({ fates: [] });
    expect(await read()).toEqual(CONTENT);
    expect(asked.map(({ length }) => length)).toEqual(
      [16, 32, 64].map((kib) => kib << 10).concat(35_312),
    );
  });

  test.each([
    [0, 10],
    [5_000, 149_999],
    [100_000, 200_000],
  ])('gives the range from %i to %i', async (first, end) => {
    expect(await bed({ fates: [], first, end }).read()).toEqual(CONTENT.subarray(first, end));
  });

  test('gives every byte once and in order, whatever becomes of chunks', async () => {
    const fate = fc.constantFrom('arrives', 'lost', 'twice', 'late');
    // three silent windows in a row end it: no more than two losses stand together
    const fates = fc
      .array(fate, { maxLength: 30 })
      .map((list) => list.flatMap((one, i) => (i % 2 === 1 ? [one, 'arrives' as const] : [one])));
    await fc.assert(
      fc.asyncProperty(fates, fc.nat(60_000), async (script, first) => {
        expect(await bed({ fates: script, first }).read()).toEqual(CONTENT.subarray(first));
      }),
      { numRuns: 100 },
    );
  });

  test('ends after silence, and where what it reads has changed', async () => {
    await expect(bed({ fates: Array(9).fill('lost') }).read()).rejects.toThrow('no answer');
    const { pull, change } = bed({ fates: [] });
    await pull.head();
    change();
    const all = async () => {
      for await (const _ of pull.body());
    };
    await expect(all()).rejects.toThrow('it changed meanwhile');
  });

  test('takes no chunk of another transfer of the same name', async () => {
    const { pull, read } = bed({ fates: [] });
    const other = { offset: 0, data: new Uint8Array(9), total: 9, digest: DIGEST, retryAfterMs: 0 };
    pull.take({ ...other, status: 404, from: DIGEST });
    expect(await read()).toEqual(CONTENT);
  });

  test('tells the status of a refusal', async () => {
    expect(await bed({ fates: [], status: 404 }).pull.head()).toMatchObject({ status: 404 });
  });
});
