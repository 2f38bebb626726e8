import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DeltaInputs, decodeDelta, type RandomAccess } from './decode.ts';
import { encodeDelta } from './encode.ts';
import { BLOCK_BYTES, MAX_BODY_BYTES } from './format.ts';

const compress = (bytes: Uint8Array) => zstdCompressSync(bytes);

function inMemory(bytes: Uint8Array): RandomAccess {
  return {
    size: bytes.length,
    async read(offset, length) {
      if (offset < 0 || offset + length > bytes.length) throw new Error('read beyond the end');
      return bytes.slice(offset, offset + length);
    },
  };
}

const encode = (from: Uint8Array, to: Uint8Array) => join([...encodeDelta(from, to, compress)]);

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

async function decode(
  from: Uint8Array,
  delta: Uint8Array,
  toSize: number,
  changes: Partial<DeltaInputs> = {},
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of decodeDelta({
    from: inMemory(from),
    delta: inMemory(delta),
    toSize,
    decompress: async (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }),
    ...changes,
  })) {
    expect(part.length).toBeLessThanOrEqual(BLOCK_BYTES);
    parts.push(part);
    // what a hostile delta gives must not grow without end
    expect(parts.reduce((sum, { length }) => sum + length, 0)).toBeLessThanOrEqual(toSize);
  }
  return join(parts);
}

/** Bytes of a generator that is the same for a seed, such as weights look. */
function noise(length: number, seed: number): Uint8Array {
  let state = seed | 1;
  return Uint8Array.from({ length }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state >>> 13) & 0xff;
  });
}

const model = noise(600_000, 7);
const insert = (bytes: Uint8Array, at: number, extra: Uint8Array) =>
  join([bytes.subarray(0, at), extra, bytes.subarray(at)]);

describe('a delta', () => {
  test.each<[string, Uint8Array, number]>([
    ['the same bytes', model, 0.001],
    ['bytes that moved', insert(model, 1000, noise(333, 3)), 0.02],
    [
      'halves that changed places',
      join([model.subarray(300_000), model.subarray(0, 300_000)]),
      0.02,
    ],
    ['a new last layer', join([model.subarray(0, 570_000), noise(30_000, 9)]), 0.07],
    ['a small step for every weight', model.map((byte, i) => byte + ((i * 7) % 3) - 1), 0.25],
    ['a quarter of it', model.subarray(100_000, 250_000), 0.01],
    ['something else', noise(600_000, 11), 1.01],
    ['nothing', new Uint8Array(), 0.001],
  ])('makes %s', async (_what, to, share) => {
    const delta = encode(model, to);
    expect(await decode(model, delta, to.length)).toEqual(to);
    expect(delta.length / model.length).toBeLessThan(share);
  });

  test('lays the bytes of a weight apart, where only the low ones differ', async () => {
    const floats = Float32Array.from(noise(100_000, 5), (byte) => byte / 255 - 0.5);
    const tuned = floats.map((weight, i) => weight * (1 + 1e-4 * ((i % 17) / 17)));
    const bytes = (array: Float32Array) => new Uint8Array(array.buffer);
    const delta = encode(bytes(floats), bytes(tuned));
    expect(await decode(bytes(floats), delta, tuned.byteLength)).toEqual(bytes(tuned));
    expect(delta.length / tuned.byteLength).toBeLessThan(0.6);
  });

  test('makes any bytes of any others', async () => {
    const piece = fc.uint8Array({ maxLength: 300 });
    const blobs = fc
      .tuple(
        fc.array(piece, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(11), { maxLength: 40 }),
        piece,
      )
      .map(([pieces, order, fresh]) => ({
        from: join(pieces),
        to: join([...order.map((i) => pieces[i % pieces.length] ?? fresh), fresh]),
      }));
    await fc.assert(
      fc.asyncProperty(blobs, async ({ from, to }) => {
        expect(await decode(from, encode(from, to), to.length)).toEqual(to);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a delta from a stranger', () => {
  const to = insert(model, 1000, noise(333, 3)).map((byte, i) => byte + (i % 97 === 0 ? 1 : 0));
  const good = encode(model, to);

  test('that was cut anywhere is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), async (length) => {
        const cut = decode(model, good.subarray(0, length), to.length);
        await expect(cut).rejects.toMatchObject({ code: 'delta.invalid' });
      }),
      { numRuns: 60 },
    );
  });

  test('that was altered anywhere is refused, or gives as many other bytes', async () => {
    const alteration = fc.record({
      at: fc.nat(good.length - 1),
      by: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(alteration, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bad = Uint8Array.from(good);
        for (const { at, by } of changes) bad[at] = (bad[at] ?? 0) + by;
        const made = await decode(model, bad, to.length).catch((error: unknown) => error);
        if (made instanceof Uint8Array) expect(made.length).toBe(to.length);
        else expect(made).toMatchObject({ code: 'delta.invalid' });
      }),
      { numRuns: 100 },
    );
  });

  test('of random operations reads nothing that is not there', async () => {
    const bodies = fc.uint8Array({ minLength: 1, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(bodies, fc.constantFrom(1, 2, 3, 4, 8, 255), async (body, stride) => {
        const packed = compress(body);
        const bad = join([good.subarray(0, 24), new Uint8Array(9), packed]);
        const view = new DataView(bad.buffer);
        view.setUint32(24, 50, true);
        view.setUint32(28, packed.length, true);
        bad[32] = stride;
        await expect(decode(model, bad, to.length)).rejects.toMatchObject({
          code: 'delta.invalid',
        });
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ['for another old blob', model.subarray(1), to.length, /is for a blob of 600000 bytes/],
    ['for another new blob', model, to.length + 1, /makes 600333 bytes, not 600334/],
  ])('%s is refused', async (_what, from, toSize, message) => {
    await expect(decode(from, good, toSize)).rejects.toThrow(message);
  });

  test('that is a bomb is not unpacked', async () => {
    const bomb = zstdCompressSync(new Uint8Array(64 << 20));
    const bad = join([good.subarray(0, 24), new Uint8Array(9), bomb]);
    const view = new DataView(bad.buffer);
    view.setUint32(24, BLOCK_BYTES, true);
    view.setUint32(28, bomb.length, true);
    bad[32] = 1;
    let most = 0;
    const decompress: DeltaInputs['decompress'] = async (bytes, maxOutputLength) => {
      const out = zstdDecompressSync(bytes, { maxOutputLength });
      most = out.length;
      return out;
    };
    await expect(decode(model, bad, to.length, { decompress })).rejects.toMatchObject({
      code: 'delta.invalid',
    });
    expect(most).toBeLessThanOrEqual(MAX_BODY_BYTES);
  });

  test('of a later version is refused, and said so', async () => {
    const later = Uint8Array.from(good);
    later[4] = 2;
    await expect(decode(model, later, to.length)).rejects.toThrow(/version is 2/);
  });
});
