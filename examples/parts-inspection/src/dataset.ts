import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderPart } from './frame.ts';
import { type Drift, PART_LABELS, type PartLabel } from './labels.ts';
import { seedOf } from './random.ts';

export interface DatasetOptions {
  /** Images of each class. */
  readonly perClass: number;
  readonly seed: number;
  readonly drift?: Drift | undefined;
  /** 0 is no drift, 1 the full failure. */
  readonly strength?: number | undefined;
}

export interface RenderedDataset {
  /** The path of `labels.csv`; it is written last, so where it exists all images do. */
  readonly labelsFile: string;
  /** File names in the order of `labels.csv`. */
  readonly files: readonly string[];
}

/** Called after each image. */
export type OnProgress = (done: number, total: number) => void;

/** Frames in flight: drawing overlaps with encoding on sharp's threads. */
const CONCURRENCY = 8;

/** Keeps the five digits of the file names sufficient. */
export const MAX_PER_CLASS = 12_500;

/**
 * Renders a folder of JPEG files and `labels.csv` (`file,label,light`). The classes take turns, so
 * that any run of consecutive files holds them in equal parts. Images of an earlier rendering in
 * the folder are removed; other files are left alone.
 *
 * @throws RangeError where `perClass` is not a whole number from 1 to 12,500, or the strength is
 * not within 0 to 1.
 */
export async function renderDataset(
  folder: string,
  { perClass, seed, drift, strength }: DatasetOptions,
  onProgress?: OnProgress,
): Promise<RenderedDataset> {
  if (!Number.isInteger(perClass) || perClass < 1 || perClass > MAX_PER_CLASS) {
    throw new RangeError(`${perClass} images per class: give 1 to ${MAX_PER_CLASS}`);
  }
  const labelsFile = join(folder, 'labels.csv');
  await mkdir(folder, { recursive: true });
  await clear(folder);
  const total = perClass * PART_LABELS.length;
  const rows: Row[] = [];
  let next = 0;
  let done = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < total; index = next++) {
      const label = labelAt(index);
      const file = `part-${String(index).padStart(5, '0')}.jpg`;
      const part = await renderPart({
        label,
        seed: seedOf(seed, index),
        drift,
        strength,
        format: 'jpeg',
      });
      await writeFile(join(folder, file), part.bytes);
      rows[index] = { file, label, light: part.light };
      done += 1;
      onProgress?.(done, total);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const lines = rows.map(({ file, label, light }) => `${file},${label},${light}`);
  await writeFile(labelsFile, `${['file,label,light', ...lines].join('\n')}\n`);
  return { labelsFile, files: rows.map(({ file }) => file) };
}

/** Removes the labels first, so that they never stand beside half a set of images. */
async function clear(folder: string): Promise<void> {
  await rm(join(folder, 'labels.csv'), { force: true });
  const stale = (await readdir(folder)).filter((name) => /^part-\d{5}\.jpg$/.test(name));
  await Promise.all(stale.map((name) => rm(join(folder, name))));
}

interface Row {
  readonly file: string;
  readonly label: PartLabel;
  readonly light: string;
}

function labelAt(index: number): PartLabel {
  return PART_LABELS[index % PART_LABELS.length] ?? PART_LABELS[0];
}
