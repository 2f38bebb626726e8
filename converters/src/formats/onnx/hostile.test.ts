import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Draft, isFlotillaError } from '@flotilla/protocol';
import fc from 'fast-check';
import Long from 'long';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { smallNet } from '../../testing/small-net.ts';
import { readOnnxFile } from './file.ts';
import type { ModelProto, TensorProto } from './onnx.gen.ts';
import { readOnnx } from './read.ts';
import { encodeModel } from './schema.ts';
import { writeOnnx } from './write.ts';

const HEAD = { irVersion: Long.fromNumber(8), opsetImport: [{ version: Long.fromNumber(13) }] };

/** Why bytes are not read; undefined where they are. Anything but `model.not-onnx` is thrown on. */
function refusal(bytes: Uint8Array): string | undefined {
  try {
    readOnnx(bytes, { file: 'model.onnx' });
    return undefined;
  } catch (error) {
    if (!isFlotillaError(error, 'model.not-onnx')) throw error;
    expect(error.message).not.toContain('\n');
    return error.context.reason;
  }
}

function tensorFile(tensor: Draft<TensorProto>): Uint8Array {
  const initializer = [{ name: 't', dataType: 1, ...tensor }];
  return encodeModel({ ...HEAD, graph: { name: 'g', initializer } });
}

const ascii = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));

describe('a file that is no ONNX model is refused with the reason', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['an empty file', new Uint8Array(), /empty/],
    ['a PNG', ascii('\x89PNG\r\n\x1a\n0000'), /PNG/],
    ['a TensorFlow Lite model', ascii('\x1c\0\0\0TFL3'), /TensorFlow Lite/],
    ['a checkpoint', ascii('PK\x03\x04aaaa'), /PyTorch/],
    ['text', ascii('{"not": "a model"}'), /looks like a text file/],
    ['a model without a graph', encodeModel(HEAD), /no graph/],
    [
      'a model without an opset',
      encodeModel({ ...HEAD, opsetImport: [], graph: { name: 'g' } }),
      /operator set/,
    ],
    ['a model without a version', encodeModel({ graph: { name: 'g' } }), /IR version/],
    [
      'one domain in two versions',
      encodeModel({
        ...HEAD,
        opsetImport: [7, 8].map((n) => ({ version: Long.fromNumber(n) })),
        graph: {},
      }),
      /two versions/,
    ],
    [
      'a node without an operator',
      encodeModel({ ...HEAD, graph: { node: [{ name: 'n' }] } }),
      /operator/,
    ],
    [
      'one name for two constants',
      encodeModel({
        ...HEAD,
        graph: { initializer: [0, 1].map(() => ({ name: 't', dataType: 1, dims: [Long.ZERO] })) },
      }),
      /one name/,
    ],
    [
      'a tensor that is short',
      tensorFile({ dims: [Long.fromNumber(4)], rawData: new Uint8Array(12) }),
      /12 bytes, its dimensions need 16/,
    ],
    [
      'a tensor beyond all memory',
      tensorFile({ dims: Array(4).fill(Long.fromNumber(2 ** 31)) }),
      /0 bytes/,
    ],
    ['a negative dimension', tensorFile({ dims: [Long.fromNumber(-4)] }), /dimension/],
    ['an unknown element type', tensorFile({ dataType: 99 }), /element type 99/],
    [
      'weights that lie elsewhere',
      tensorFile({ dataLocation: 1, externalData: [{ key: 'location', value: 'w' }] }),
      /beside the model/,
    ],
  ])('%s', (_, bytes, reason) => {
    expect(refusal(bytes)).toMatch(reason);
  });

  it('one name for two of very many constants, at once', () => {
    const names = Array.from({ length: 200_000 }, (_, i) => `c${Math.min(i, 199_998)}`);
    const initializer = names.map((name) => ({ name, dataType: 1 as const, dims: [Long.ZERO] }));
    const file = encodeModel({ ...HEAD, graph: { initializer } });
    expect(refusal(file)).toMatch(/one name, "c199998"/);
  });

  it('one name for a sparse constant and another', () => {
    const values = { name: 't', dataType: 1 as const, dims: [Long.ZERO] };
    const graph = { initializer: [values], sparseInitializer: [{ values }] };
    expect(refusal(encodeModel({ ...HEAD, graph }))).toMatch(/one name, "t"/);
  });

  it('random bytes', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(bytes, (data) => typeof refusal(data) === 'string'),
      { numRuns: 500, seed: 7 },
    );
  });

  it('a model cut off anywhere', () => {
    const whole = writeOnnx(smallNet(1));
    const cut = fc.nat(whole.length - 1);
    const property = fc.property(cut, (end) => refusal(whole.subarray(0, end)) !== undefined);
    fc.assert(property, { numRuns: 200, seed: 7 });
  });

  it('a model with damaged bytes is refused or read, and nothing else happens', () => {
    const whole = writeOnnx(smallNet(1));
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 8 });
    const property = fc.property(damage, (changes) => {
      const bytes = whole.slice();
      for (const [position, value] of changes) bytes[position] = value;
      refusal(bytes);
    });
    fc.assert(property, { numRuns: 200, seed: 7 });
  });
});

describe('weights in files beside the model', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'flotilla-onnx-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  async function readWith(external: Record<string, string>) {
    const externalData = Object.entries(external).map(([key, value]) => ({ key, value }));
    const tensor = {
      dims: [Long.fromNumber(2)],
      dataType: 3,
      dataLocation: 1 as const,
      externalData,
    };
    const model: Draft<ModelProto> = {
      ...HEAD,
      graph: { name: 'g', initializer: [{ name: 't', ...tensor }] },
    };
    const file = join(folder, 'model.onnx');
    await writeFile(file, encodeModel(model));
    return (await readOnnxFile(file)).graph.initializers.get('t')!.bytes;
  }

  it('are read by offset and length', async () => {
    await writeFile(join(folder, 'w.bin'), Uint8Array.of(1, 2, 3, 4));
    expect([...(await readWith({ location: 'w.bin', offset: '1', length: '2' }))]).toEqual([2, 3]);
    expect([...(await readWith({ location: 'w.bin', offset: '2' }))]).toEqual([3, 4]);
  });

  it.each([
    ['../w.bin', /leads out/],
    ['/etc/passwd', /leads out/],
    ['a/../../w.bin', /leads out/],
    ['..\\w.bin', /leads out/],
    ['C:w.bin', /leads out/],
    ['', /leads out/],
    ['absent.bin', /missing/],
  ])('are not looked for at %j', async (location, reason) => {
    await expect(readWith({ location })).rejects.toThrow(reason);
  });

  it('are not read through a link that leads out, or past their end', async () => {
    await symlink('/etc/hostname', join(folder, 'link'));
    await expect(readWith({ location: 'link' })).rejects.toThrow(/leads out/);
    await writeFile(join(folder, 'w.bin'), Uint8Array.of(1));
    await expect(readWith({ location: 'w.bin', length: '2' })).rejects.toThrow(/2 are needed/);
    const behind = { location: 'w.bin', offset: '9', length: '0' };
    await expect(readWith(behind)).rejects.toThrow(/"w.bin" has 1 bytes, 9 are needed/);
    await mkdir(join(folder, 'inner'));
    await expect(readWith({ location: 'inner' })).rejects.toThrow(/"inner" is not a file/);
    await expect(readWith({ location: 'w.bin', offset: '-1' })).rejects.toThrow(/external offset/);
  });
});

it('says that a file is missing', async () => {
  await expect(readOnnxFile(join(tmpdir(), 'flotilla-no-such-model.onnx'))).rejects.toMatchObject({
    code: 'model.not-found',
  });
});
