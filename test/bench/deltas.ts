/**
 * What deltas save on pairs of models, against compressing the new model alone and against
 * Zstandard with the old one as dictionary: `npm run bench:deltas -- OLD NEW [OLD NEW …]`. Without
 * files it takes the versions of the example, and what usually happens to a model between versions.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { decodeDelta, encodeDelta } from '@flotilla/protocol';

interface Pair {
  readonly name: string;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

const EXAMPLE = fileURLToPath(new URL('../../examples/parts-inspection/versions', import.meta.url));
const LEVEL = 19;
const LONGEST_WINDOW_LOG = 27;

const params = {
  [constants.ZSTD_c_compressionLevel]: LEVEL,
  [constants.ZSTD_c_windowLog]: LONGEST_WINDOW_LOG,
  [constants.ZSTD_c_enableLongDistanceMatching]: 1,
};
const alone = (bytes: Uint8Array) => zstdCompressSync(bytes, { params });
const withDictionary = (from: Uint8Array, to: Uint8Array) =>
  zstdCompressSync(to, { params, dictionary: Buffer.from(from) });
const compress = (bytes: Uint8Array) =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: LEVEL } });

async function pairsOfExample(): Promise<Pair[]> {
  const [v1, v2, v3] = await Promise.all(
    [1, 2, 3].map((version) => readFile(`${EXAMPLE}/${version}/model.onnx`)),
  );
  if (v1 === undefined || v2 === undefined || v3 === undefined) throw new Error('no example');
  return [
    { name: 'fp32, two trainings', from: v1, to: v2 },
    { name: 'fp32, another training', from: v2, to: v3 },
    {
      name: 'fp32, metadata before the weights',
      from: v2,
      to: Buffer.concat([Buffer.from(`\x3a\x40${'n'.repeat(64)}`, 'latin1'), v2]),
    },
    { name: 'fp32, last tenth of the weights tuned', from: v2, to: tuned(v2, 0.9, 1e-2) },
    { name: 'fp32, every weight tuned by 0.1 %', from: v2, to: tuned(v2, 0, 1e-3) },
  ];
}

/**
 * As after a few steps of training: each weight from a place on is moved by a share of itself. Where
 * the floats of a tensor begin is not known here, so each stretch is read at the one place of four at
 * which most of it looks like weights.
 */
function tuned(bytes: Uint8Array, from: number, by: number): Uint8Array {
  const out = Uint8Array.from(bytes);
  const view = new DataView(out.buffer);
  let seed = 1;
  for (let start = Math.floor(out.length * from); start + 4 <= out.length; start += STRETCH) {
    const end = Math.min(start + STRETCH, out.length);
    const counts = [0, 1, 2, 3].map((shift) => weightsIn(view, start + shift, end));
    const first = start + counts.indexOf(Math.max(...counts));
    for (let at = first; at + 4 <= end; at += 4) {
      seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
      const value = view.getFloat32(at, true);
      if (isWeight(value)) view.setFloat32(at, value * (1 + (by * seed) / 2 ** 31), true);
    }
  }
  return out;
}

const STRETCH = 2048;
const isWeight = (value: number): boolean => Math.abs(value) > 1e-6 && Math.abs(value) < 100;

function weightsIn(view: DataView, from: number, to: number): number {
  let count = 0;
  for (let at = from; at + 4 <= to; at += 4) if (isWeight(view.getFloat32(at, true))) count++;
  return count;
}

async function pairsOf(files: readonly string[]): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let i = 0; i + 1 < files.length; i += 2) {
    const [a = '', b = ''] = files.slice(i);
    const name = `${basename(dirname(a))}/${basename(a)} → ${basename(dirname(b))}/${basename(b)}`;
    pairs.push({ name, from: await readFile(a), to: await readFile(b) });
  }
  return pairs;
}

async function measure({ name, from, to }: Pair): Promise<string> {
  const startMs = performance.now();
  const delta = Buffer.concat([...encodeDelta(from, to, compress)]);
  const madeMs = performance.now() - startMs;
  const applyMs = performance.now();
  const inMemory = (bytes: Uint8Array) => ({
    size: bytes.length,
    read: async (at: number, length: number) => bytes.subarray(at, at + length),
  });
  const parts: Uint8Array[] = [];
  for await (const part of decodeDelta({
    delta: inMemory(delta),
    from: inMemory(from),
    toSize: to.length,
    decompress: async (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }),
  })) {
    parts.push(part);
  }
  if (!Buffer.concat(parts).equals(to)) throw new Error(`${name}: the delta makes other bytes`);
  const appliedMs = performance.now() - applyMs;
  const share = (bytes: Uint8Array) => `${((100 * bytes.length) / to.length).toFixed(1)} %`;
  const mega = to.length / 1e6;
  const cells = [
    name,
    `${mega.toFixed(2)} MB`,
    share(alone(to)),
    share(withDictionary(from, to)),
    share(delta),
    `${(mega / (madeMs / 1000)).toFixed(1)} MB/s`,
    `${(mega / (appliedMs / 1000)).toFixed(0)} MB/s`,
  ];
  return `| ${cells.join(' | ')} |`;
}

const files = process.argv.slice(2);
const pairs = files.length > 0 ? await pairsOf(files) : await pairsOfExample();
process.stdout.write(
  '| pair | new | zstd alone | zstd, old as dictionary | delta | made | applied |\n',
);
process.stdout.write('|---|---|---|---|---|---|---|\n');
for (const pair of pairs) process.stdout.write(`${await measure(pair)}\n`);
