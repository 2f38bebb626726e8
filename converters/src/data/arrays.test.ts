import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readData } from './folder.ts';
import { parseNpy } from './npy.ts';
import { parseNpz } from './npz.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-arrays-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function npy(descr: string, shape: string, data: ArrayBufferView): Buffer {
  const header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  const padded = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11, ' ');
  const length = Buffer.alloc(2);
  length.writeUInt16LE(padded.length + 1);
  const start = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0]);
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return Buffer.concat([start, length, Buffer.from(`${padded}\n`, 'latin1'), body]);
}

/** A ZIP archive as numpy.savez and savez_compressed write it; checksums are not read. */
function zip(files: Record<string, Buffer>, packed: boolean): Buffer {
  const parts: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const body = packed ? deflateRawSync(bytes) : bytes;
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(packed ? 8 : 0, 10);
    entry.writeUInt32LE(body.length, 20);
    entry.writeUInt32LE(bytes.length, 24);
    entry.writeUInt16LE(name.length, 28);
    entry.writeUInt32LE(offset, 42);
    parts.push(local, Buffer.from(name), body);
    central.push(entry, Buffer.from(name));
    offset += 30 + name.length + body.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Object.keys(files).length, 10);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, ...central, end]);
}

test('an array has the type, shape and elements that its file says', () => {
  const bytes = npy('<f4', '2, 3', Float32Array.of(1, 2, 3, 4, 5, 6));
  expect(parseNpy(bytes, 'a.npy')).toEqual({
    type: 'FP32',
    shape: [2, 3],
    data: Float32Array.of(1, 2, 3, 4, 5, 6),
  });
  expect(parseNpy(npy('|u1', '3,', Uint8Array.of(7, 8, 9)), 'a.npy').shape).toEqual([3]);
});

test.each([
  [npy('<f4', '9, 9', Float32Array.of(1)), 'needs more bytes than the file holds'],
  [npy('<c8', '1,', Float32Array.of(1, 2)), 'elements of type "<c8" are not supported'],
  [Buffer.from('not an array at all'), 'no .npy array'],
])('a damaged array is refused with its name', (bytes, reason) => {
  expect(() => parseNpy(bytes, 'x.npy')).toThrow(/^x\.npy cannot be used as data/);
  expect(() => parseNpy(bytes, 'x.npy')).toThrow(reason);
});

test('an archive of any prefix of its bytes is read or refused, never worse', () => {
  const whole = zip({ 'a.npy': npy('<f4', '2,', Float32Array.of(1, 2)) }, true);
  for (let length = 0; length < whole.length; length += 7) {
    expect(() => parseNpz(whole.subarray(0, length), 'x.npz')).toThrow(/^x\.npz/);
  }
});

test('arrays of an archive that share one body are refused', () => {
  const whole = zip({ 'a.npy': npy('<f4', '4096,', new Float32Array(4096)) }, true);
  const [end, central] = [whole.length - 22, whole.readUInt32LE(whole.length - 6)];
  const entry = whole.subarray(central, end);
  const last = Buffer.from(whole.subarray(end));
  last.writeUInt16LE(64, 10);
  const entries = new Array<Buffer>(64).fill(entry);
  const bomb = Buffer.concat([whole.subarray(0, central), ...entries, last]);
  expect(parseNpz(whole, 'x.npz').size).toBe(1);
  expect(() => parseNpz(bomb, 'x.npz')).toThrow(/^x\.npz .*its arrays overlap/);
});

test('arrays that would take more than memory holds are refused before they are unpacked', () => {
  const whole = zip({ 'a.npy': npy('<f4', '2,', Float32Array.of(1, 2)) }, true);
  whole.writeUInt32LE(2 ** 31 + 1, whole.readUInt32LE(whole.length - 6) + 24);
  expect(() => parseNpz(whole, 'x.npz')).toThrow(
    /^x\.npz .*its arrays take more than 2147483648 B/,
  );
});

test.each([true, false])('the rows of an archive are samples (packed: %s)', async (packed) => {
  const x = npy('<f4', '3, 2', Float32Array.of(1, 2, 3, 4, 5, 6));
  const labels = npy('<i8', '3,', BigInt64Array.of(2n, 0n, 1n));
  const file = join(folder, 'samples.npz');
  await writeFile(file, zip({ 'x.npy': x, 'labels.npy': labels }, packed));
  const { items } = await readData(file, { inputs: ['x'] });
  expect(items.map(({ label }) => label)).toEqual([2, 0, 1]);
  expect(await items[1]?.load()).toEqual({
    x: { type: 'FP32', shape: [1, 2], data: Float32Array.of(3, 4) },
  });
  await expect(readData(file, { inputs: ['y'] })).rejects.toThrow('no array for the input y');
});

test('an archive with other than a label for each sample is refused', async () => {
  const x = npy('<f4', '3, 2', new Float32Array(6));
  const file = join(folder, 'short.npz');
  await writeFile(
    file,
    zip({ 'x.npy': x, 'labels.npy': npy('<i8', '2,', BigInt64Array.of(0n, 1n)) }, false),
  );
  await expect(readData(file, { inputs: ['x'] })).rejects.toThrow(
    /it holds 3 samples and 2 labels/,
  );
});

test('a folder may hold one array a sample', async () => {
  await writeFile(join(folder, 'a.npy'), npy('<f4', '1, 2', Float32Array.of(1, 2)));
  const { items } = await readData(folder, { inputs: ['x'] });
  expect(await items[0]?.load()).toMatchObject({ x: { shape: [1, 2] } });
});
