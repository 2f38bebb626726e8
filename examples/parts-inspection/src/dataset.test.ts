import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { renderDataset } from './dataset.ts';
import { LIGHTS, PART_LABELS } from './labels.ts';

describe('renderDataset', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parts-'));
  });

  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  it('writes every image and a row of labels for it, with the classes taking turns', async () => {
    const { labelsFile, files } = await renderDataset(folder, { perClass: 3, seed: 7 });
    const [header, ...rows] = (await readFile(labelsFile, 'utf8')).trimEnd().split('\n');
    expect(header).toBe('file,label,light');
    const cells = rows.map((row) => row.split(','));
    expect(cells.map(([file]) => file)).toEqual(files);
    expect(cells.map(([, label]) => label)).toEqual([
      ...PART_LABELS,
      ...PART_LABELS,
      ...PART_LABELS,
    ]);
    expect(cells.every(([, label]) => PART_LABELS.some((known) => known === label))).toBe(true);
    expect(cells.every(([, , light]) => LIGHTS.some((known) => known === light))).toBe(true);
    const written = (await readdir(folder)).filter((name) => name.endsWith('.jpg'));
    expect(written.sort()).toEqual(files);
  });

  it('gives the same files for the same seed', async () => {
    const folders = ['one', 'two'].map((name) => join(folder, name));
    const sets = await Promise.all(
      folders.map((path) => renderDataset(path, { perClass: 1, seed: 9 })),
    );
    for (const file of sets[0]?.files ?? []) {
      const [one, two] = await Promise.all(folders.map((path) => readFile(join(path, file))));
      expect(one).toEqual(two);
    }
  });

  it('leaves no image of an earlier, larger rendering', async () => {
    await renderDataset(folder, { perClass: 2, seed: 1 });
    const { files } = await renderDataset(folder, { perClass: 1, seed: 1 });
    expect((await readdir(folder)).sort()).toEqual(['labels.csv', ...files]);
  });

  it('refuses a count that is no positive whole number', async () => {
    await expect(renderDataset(folder, { perClass: 0, seed: 1 })).rejects.toThrow(RangeError);
  });

  it('reports each image once', async () => {
    const seen: [number, number][] = [];
    await renderDataset(folder, { perClass: 1, seed: 2 }, (done, total) =>
      seen.push([done, total]),
    );
    expect(seen).toEqual(PART_LABELS.map((_, index) => [index + 1, PART_LABELS.length]));
  });
});
