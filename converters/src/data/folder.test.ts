import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readData } from './folder.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-data-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const READING = { inputs: ['image'], labels: ['bolt', 'nut'], slices: ['light'] };

async function put(...names: string[]): Promise<void> {
  for (const name of names) await writeFile(join(folder, name), name);
}

test('images come in the order of their names, with class and slices', async () => {
  await put('b.png', 'a.JPG', 'notes.txt');
  await writeFile(join(folder, 'labels.csv'), 'file,label,light\nb.png,nut,dim\na.JPG,bolt,\n');
  const { items, warnings } = await readData(folder, READING);
  expect(items.map(({ name, label, slices }) => [name, label, slices])).toEqual([
    ['a.JPG', 0, {}],
    ['b.png', 1, { light: 'dim' }],
  ]);
  expect(warnings).toEqual([]);
  expect(await items[0]?.load()).toEqual({ image: Buffer.from('a.JPG') });
});

test('rows without a file are one warning', async () => {
  await put('a.jpg');
  await writeFile(join(folder, 'labels.csv'), 'file,label\na.jpg,nut\nb.jpg,nut\nc.jpg,nut\n');
  const { items, warnings } = await readData(folder, { ...READING, slices: [] });
  expect(items).toHaveLength(1);
  expect(warnings).toEqual([
    `2 of 3 rows of labels.csv name no file in ${folder}, for instance "b.jpg"`,
  ]);
});

test('labels that are no class of the model are a warning, and the sample has no class', async () => {
  await put('a.jpg', 'b.jpg');
  const known = READING.labels[0];
  await writeFile(join(folder, 'labels.csv'), `file,label\na.jpg,spoon\nb.jpg,${known}\n`);
  const { items, warnings } = await readData(folder, { ...READING, slices: [] });
  expect(items.map(({ label }) => label)).toEqual([undefined, 0]);
  expect(warnings).toEqual(['1 names in labels.csv are no class of the model: "spoon"']);
});

test('labels of which none is a class of the model are refused', async () => {
  await put('a.jpg');
  await writeFile(join(folder, 'labels.csv'), 'file,label\na.jpg,spoon\n');
  await expect(readData(folder, READING)).rejects.toThrow(
    /labels\.csv cannot be used as data: no label in it is a class of the model: "spoon"/,
  );
});

test('a class index that the model has no class for is refused, as those that count from 1', async () => {
  await put('a.jpg', 'b.jpg');
  await writeFile(join(folder, 'labels.csv'), 'file,class_index\na.jpg,1\nb.jpg,2\n');
  await expect(readData(folder, READING)).rejects.toThrow(
    `class_index 2 of "b.jpg" is none of the model's 2 classes, which count from 0`,
  );
  const { items } = await readData(folder, { ...READING, labels: undefined });
  expect(items.map(({ label }) => label)).toEqual([1, 2]);
});

test('of two classes with one name the first is meant, and the second has its index', async () => {
  await put('a.jpg', 'b.jpg');
  await writeFile(join(folder, 'labels.csv'), 'file,class_index,label\na.jpg,,crane\nb.jpg,1,\n');
  const { items } = await readData(folder, { ...READING, labels: ['crane', 'crane'] });
  expect(items.map(({ label }) => label)).toEqual([0, 1]);
});

test('a labels file that leads out of its folder is refused', async () => {
  const data = join(folder, 'data');
  await mkdir(data);
  await writeFile(join(data, 'a.jpg'), 'a');
  await put('secret');
  await symlink(join(folder, 'secret'), join(data, 'labels.csv'));
  await expect(readData(data, READING)).rejects.toThrow('a link out of its folder');
});

test('a folder without samples, or whose labels name none of its files, is refused', async () => {
  await expect(readData(folder, READING)).rejects.toMatchObject({ code: 'data.empty' });
  await writeFile(join(folder, 'labels.csv'), 'file,label\na.jpg,nut\n');
  await expect(readData(folder, READING)).rejects.toThrow(
    'no file that labels.csv names is there (the first is "a.jpg")',
  );
  await expect(readData(join(folder, 'missing'), READING)).rejects.toThrow('no such folder');
});

test('a row may name a file in a folder below, but nothing outside', async () => {
  const data = join(folder, 'data');
  await mkdir(join(data, 'site'), { recursive: true });
  await writeFile(join(data, 'site', 'a.jpg'), 'a');
  await put('secret.jpg');
  await symlink(join(folder, 'secret.jpg'), join(data, 'link.jpg'));
  await writeFile(
    join(data, 'labels.csv'),
    `file,label\nsite/a.jpg,nut\n../secret.jpg,nut\n${folder}/secret.jpg,nut\nlink.jpg,nut\nsite/../../secret.jpg,nut\n`,
  );
  const { items, warnings } = await readData(data, { ...READING, slices: [] });
  expect(items.map(({ name }) => name)).toEqual(['site/a.jpg']);
  expect(warnings[0]).toContain('4 of 5 rows');
});

test('what cannot be read as a folder is named', async () => {
  await expect(readData('/dev/null', READING)).rejects.toThrow(
    /^\/dev\/null cannot be read \(ENOTDIR\): let this user read it/,
  );
  const link = join(folder, 'round');
  await symlink(link, link);
  await expect(readData(link, READING)).rejects.toThrow(/round cannot be read \(ELOOP\)/);
});

test.skipIf(process.getuid?.() === 0)('a folder of another user is named', async () => {
  await chmod(folder, 0);
  const refused = expect(readData(folder, READING)).rejects;
  await refused.toThrow(/cannot be read \(permission denied\): let this user read it/);
  await chmod(folder, 0o700);
});

test('images for a model that takes arrays are refused before their labels are', async () => {
  await put('a.jpg');
  await writeFile(join(folder, 'labels.csv'), 'file,label\na.jpg,spoon\n');
  await expect(readData(folder, { ...READING, inputs: ['x'], encoded: 'none' })).rejects.toThrow(
    /a\.jpg is an image, and the spec feeds "x" with arrays: give \.npy or \.npz files/,
  );
});

test('WAV files feed a model that takes sound, and only that', async () => {
  await put('b.wav', 'a.WAV', 'notes.txt');
  await writeFile(join(folder, 'labels.csv'), 'file,label\nb.wav,nut\n');
  const reading = { ...READING, inputs: ['x'], encoded: 'sound' } as const;
  const { items } = await readData(folder, reading);
  expect(items.map(({ name }) => name)).toEqual(['a.WAV', 'b.wav']);
  expect(await items[0]?.load()).toEqual({ x: expect.any(Uint8Array) });
  await expect(readData(folder, { ...reading, encoded: 'images' })).rejects.toThrow('no file that');
  await put('c.jpg');
  await expect(readData(folder, reading)).rejects.toThrow(
    /c\.jpg is an image, and the spec feeds "x" with sound: give \.wav, \.npy or \.npz files/,
  );
});
