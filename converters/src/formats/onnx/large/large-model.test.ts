import { mkdtemp, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runLimited } from '@flotilla/model/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeGraph, makeModel, makeNode, tensorInfo } from '../../../ir/graph.ts';
import { type StoredBytes, StoredTensor } from '../../../ir/stored.ts';
import { readOnnxFile } from '../file.ts';
import type { Payload } from '../payloads.ts';
import { RecentBytes, StoredFile } from '../stored-file.ts';
import { onnxPieces } from '../write.ts';

const LONG = process.env.FLOTILLA_LONG === '1';

/** Bytes of each weight; together over 2 GiB in the long suite. */
const WEIGHTS = LONG
  ? Array.from({ length: 9 }, (_, i) => (240 << 20) + i * 4096)
  : [40 << 20, 44 << 20, 48 << 20];

/** Bare Node with ONNX Runtime takes 120 MB; the weights together are beyond this in any case. */
const PEAK_BYTES = 250e6;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-large-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Bytes that nobody may read: the files of these tests have holes in their place. */
function hole(length: number): StoredBytes {
  const never = () => {
    throw new Error('a hole is not read');
  };
  return { length, read: never, head: never, pieces: never };
}

/** A chain of Mul, each by a constant of its own. */
function chainOf(weights: readonly number[]) {
  const graph = makeGraph('chain', [tensorInfo('x0', 'int8', [1])], []);
  for (const [i, bytes] of weights.entries()) {
    graph.initializers.set(`w${i}`, new StoredTensor('int8', [bytes], hole(bytes)));
    graph.nodes.push(makeNode('Mul', `mul${i}`, ['x0', `w${i}`], [`y${i}`]));
    graph.outputs.push(tensorInfo(`y${i}`, 'int8', [bytes]));
  }
  return makeModel(graph, 17);
}

async function writeSparse(path: string, pieces: readonly Payload[]): Promise<void> {
  const file = await open(path, 'w');
  let end = 0;
  for (const piece of pieces) {
    if (piece instanceof Uint8Array) await file.write(piece, 0, piece.length, end);
    end += piece.length;
  }
  await file.truncate(end);
  await file.close();
}

async function passThrough(from: string) {
  return await runLimited<{ files: string[]; peakBytes: number }>({
    script: new URL('./pass-through.ts', import.meta.url),
    name: 'the large model',
    input: { from, to: join(folder, 'out.onnx') },
    timeoutMs: 240_000,
  });
}

it('a model with large weights beside it goes through in bounded memory', {
  timeout: 300_000,
}, async () => {
  const from = join(folder, 'in.onnx');
  const external = WEIGHTS.map((length, i) => {
    const offset = WEIGHTS.slice(0, i).reduce((sum, each) => sum + each, 0);
    return { location: 'weights', offset, length };
  });
  const next = external.values();
  const pieces = onnxPieces(chainOf(WEIGHTS), () =>
    Object.entries(next.next().value!).map(([key, value]) => ({ key, value: String(value) })),
  );
  await writeSparse(from, pieces);
  await writeSparse(join(folder, 'weights'), WEIGHTS.map(hole));
  const { files, peakBytes } = await passThrough(from);
  expect(files).toHaveLength(LONG ? 2 : 1);
  expect(peakBytes).toBeLessThan(PEAK_BYTES);
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  const total = WEIGHTS.reduce((sum, each) => sum + each, 0);
  expect(sizes.reduce((sum, size) => sum + size)).toBeGreaterThan(total);
  const again = await readOnnxFile(files[0]!);
  expect([...again.graph.initializers.values()].map(({ dims }) => dims[0])).toEqual(WEIGHTS);
});

it('a model of large weights in one file goes through in bounded memory', {
  timeout: 300_000,
}, async () => {
  const from = join(folder, 'in.onnx');
  await writeSparse(from, onnxPieces(chainOf(WEIGHTS.slice(1))));
  const { files, peakBytes } = await passThrough(from);
  expect(files).toHaveLength(1);
  expect(peakBytes).toBeLessThan(PEAK_BYTES);
});

it.runIf(LONG)('a weight beyond 2 GiB is read whole', { timeout: 60_000 }, async () => {
  const path = join(folder, 'weight');
  const [length, at] = [2 ** 31 + 10, 2 ** 31 + 5];
  const file = await open(path, 'w');
  await file.write(Uint8Array.of(7), 0, 1, at);
  await file.truncate(length);
  await file.close();
  const bytes = new StoredFile(path, new RecentBytes(0)).part(0, length).read();
  expect([bytes.length, bytes[at]]).toEqual([length, 7]);
});
