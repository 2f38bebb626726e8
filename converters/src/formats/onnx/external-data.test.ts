import { mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ortRuntime } from '@flotilla/model/node';
import { isFlotillaError } from '@flotilla/protocol';
import { hashFile } from '@flotilla/protocol/node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Model, makeNode, tensorInfo } from '../../ir/graph.ts';
import { StoredTensor, sameBytes } from '../../ir/stored.ts';
import { float32Tensor, reshaped, toFloats } from '../../ir/tensor.ts';
import { mutant } from '../../testing/mutations/mutate.ts';
import { randomFeeds, relativeError, runModel } from '../../testing/run-model.ts';
import { smallNet } from '../../testing/small-net.ts';
import { readOnnxFile } from './file.ts';
import { digestOfModelFiles } from './model-digest.ts';
import { readOnnx } from './read.ts';
import { decodeModel, encodeModel } from './schema.ts';
import { loadModelIn } from './session.ts';
import { RecentBytes, StoredFile } from './stored-file.ts';
import { writeOnnx } from './write.ts';
import { writeOnnxFile } from './write-file.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-external-'));
  file = join(folder, 'net.onnx');
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe('a model with its weights in a file beside it', () => {
  it('is written, run and read as the model in one piece', async () => {
    const model = smallNet(1);
    const { feeds, outputs } = await runModel(model, 1);
    expect(await writeOnnxFile(model, file, { externalAbove: 1024 })).toEqual([
      file,
      `${file}.data`,
    ]);
    const session = await ortRuntime().load(file);
    expect(relativeError(outputs, await session.run(feeds))).toBe(0);
    await session.dispose();
    expect(writeOnnx(await readOnnxFile(file))).toEqual(writeOnnx(model));
    expect((await readdir(folder)).sort()).toEqual(['net.onnx', 'net.onnx.data']);
  });

  it('gives the same bytes each time, and read over itself', async () => {
    await writeOnnxFile(smallNet(1), file, { externalAbove: 1024 });
    const before = [await readFile(file), await readFile(`${file}.data`)];
    await writeOnnxFile(await readOnnxFile(file), file, { externalAbove: 1024 });
    expect([await readFile(file), await readFile(`${file}.data`)]).toEqual(before);
  });

  it('is read when its weights are asked for', async () => {
    await writeOnnxFile(smallNet(1), file, { externalAbove: 1024 });
    const { initializers } = (await readOnnxFile(file)).graph;
    const large = [...initializers.values()].filter((tensor) => tensor instanceof StoredTensor);
    expect(large.length).toBeGreaterThan(2);
    const [tensor] = large;
    const expected = [...smallNet(1).graph.initializers.values()];
    expect(expected.some((each) => sameBytes(each, tensor!))).toBe(true);
    expect(tensor!.bytes).toBe(tensor!.bytes);
    expect(reshaped(tensor!, [toFloats(tensor!).length])).toBeInstanceOf(StoredTensor);
    expect({ ...tensor! }).toMatchObject({ dims: tensor!.dims, bytes: tensor!.bytes });
  });

  it('says so where the file was changed or removed after it was opened', async () => {
    await writeOnnxFile(smallNet(1), file, { externalAbove: 1024 });
    const model = await readOnnxFile(file);
    await writeFile(`${file}.data`, 'short');
    expect(() => writeOnnx(model)).toThrow(/net\.onnx\.data is not .*changed while it was in use/);
    await rm(`${file}.data`);
    expect(() => writeOnnx(model)).toThrow(/net\.onnx\.data is not .*it is gone/);
  });

  it('is another model with other weights', async () => {
    await writeOnnxFile(smallNet(1), file, { externalAbove: 1024 });
    const before = await digestOfModelFiles(file);
    expect(await digestOfModelFiles(file)).toBe(before);
    const weights = await readFile(`${file}.data`);
    weights[5]! ^= 1;
    await writeFile(`${file}.data`, weights);
    expect(await digestOfModelFiles(file)).not.toBe(before);
    await writeOnnxFile(smallNet(1), file);
    expect(await digestOfModelFiles(file)).toBe(await hashFile(file));
    await writeFile(file, 'no model');
    expect(await digestOfModelFiles(file)).toBe(await hashFile(file));
  });

  it('holds once what two constants share', async () => {
    const model = smallNet(1);
    const shared = float32Tensor([1024], new Array(1024).fill(1));
    model.graph.initializers.set('a', shared).set('b', { ...shared, dims: [32, 32] });
    await writeOnnxFile(model, file, { externalAbove: 4096 });
    const { initializers } = (await readOnnxFile(file)).graph;
    expect(initializers.get('a')?.bytes).toBe(initializers.get('b')?.bytes);
  });

  it('replaces the model that was there, and leaves nothing behind where it cannot be written', async () => {
    await writeOnnxFile(smallNet(1), file, { externalAbove: 1024 });
    await writeOnnxFile(smallNet(2), file, { externalAbove: 1024 });
    expect(writeOnnx(await readOnnxFile(file))).toEqual(writeOnnx(smallNet(2)));
    const absent = join(folder, 'absent', 'net.onnx');
    await expect(writeOnnxFile(smallNet(1), absent)).rejects.toThrow(/ENOENT/);
    const model = await readOnnxFile(file);
    await rm(`${file}.data`);
    await expect(writeOnnxFile(model, join(folder, 'again.onnx'))).rejects.toThrow(/it is gone/);
    expect(await readdir(folder)).toEqual(['net.onnx']);
  });
});

describe('a model file that is not held in memory', () => {
  it('is read as one that is', async () => {
    await writeFile(file, writeOnnx(smallNet(1)));
    const model = await readOnnxFile(file, { inMemoryBytes: 0 });
    const stored = [...model.graph.initializers.values()].filter((t) => t instanceof StoredTensor);
    expect(stored.length).toBeGreaterThan(1);
    expect(writeOnnx(model)).toEqual(writeOnnx(smallNet(1)));
  });

  it('says of its weights that they lie in it, as tools do that took them in from a file', async () => {
    const proto = decodeModel(writeOnnx(smallNet(1)));
    for (const tensor of proto.graph!.initializer) tensor.dataLocation = 0;
    await writeFile(file, encodeModel(proto));
    const model = await readOnnxFile(file, { inMemoryBytes: 0 });
    expect(writeOnnx(model)).toEqual(writeOnnx(smallNet(1)));
  });

  it('is refused where it is cut off or damaged anywhere', async () => {
    const whole = writeOnnx(smallNet(1));
    for (let i = 1; i < 40; i++) {
      await writeFile(file, whole.subarray(0, Math.floor((whole.length * i) / 40)));
      const reading = readOnnxFile(file, { inMemoryBytes: 0 });
      await expect(reading).rejects.toMatchObject({ code: 'model.not-onnx' });
    }
    await writeFile(file, new Uint8Array(100_000));
    await expect(readOnnxFile(file, { inMemoryBytes: 0 })).rejects.toThrow(/no field/);
  });
});

describe('damaged files', () => {
  /** What comes of reading, as bytes or as the code of the error. */
  async function outcome(read: () => Model | Promise<Model>): Promise<Uint8Array | string> {
    try {
      return writeOnnx(await read());
    } catch (error) {
      if (!isFlotillaError(error)) throw error;
      return error.code;
    }
  }

  it('mean the same whether they are held in memory or not', async () => {
    const seeds = [1, 2].map((seed) => writeOnnx(smallNet(seed)));
    const ends = new Set<string>();
    for (let i = 0; i < 80; i++) {
      const bytes = mutant(seeds, 5, i);
      await writeFile(file, bytes);
      const held = await outcome(() => readOnnx(bytes, { file }));
      expect(await outcome(() => readOnnxFile(file, { inMemoryBytes: 0 })), `${i}`).toEqual(held);
      ends.add(typeof held === 'string' ? held : 'read');
    }
    expect([...ends].sort()).toEqual(['model.not-onnx', 'read']);
  });
});

it('a large model goes to the runtime through files, which leave nothing behind', async () => {
  const model = smallNet(1);
  const large = float32Tensor([1 << 16, 1], new Array(1 << 16).fill(0.5));
  const [output] = model.graph.outputs;
  model.graph.initializers.set('large', large);
  model.graph.nodes.push(makeNode('Mul', 'last', [output!.name, 'large'], ['product']));
  model.graph.outputs = [tensorInfo('product', 'float32')];
  vi.stubEnv('TMPDIR', folder);
  const runtime = ortRuntime();
  const whole = await loadModelIn(runtime, model);
  const parts = await loadModelIn(runtime, model, {}, 0);
  expect(await readdir(folder)).toEqual([]);
  const feeds = randomFeeds(whole.inputs, 1);
  expect(await parts.run(feeds)).toEqual(await whole.run(feeds));
  await Promise.all([whole.dispose(), parts.dispose()]);
});

it('names what is too large for one piece', async () => {
  const weights = join(folder, 'w');
  const handle = await open(weights, 'w');
  await handle.truncate(2 ** 31);
  await handle.close();
  const model = smallNet(1);
  const part = new StoredFile(weights, new RecentBytes(0)).part(0, 2 ** 31);
  model.graph.initializers.set('w', new StoredTensor('int8', [2 ** 31], part));
  expect(() => writeOnnx(model)).toThrow(/"net" takes 2147\d+ bytes.*weights in a file beside it/);
});
