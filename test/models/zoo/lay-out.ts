import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { npz } from './npz.ts';
import type { Limits, Sample, Samples, Subject } from './subject.ts';
import { modelFile } from './subjects.ts';

/** A subject as files, in the form that every tool reads. */
export interface LaidOut extends Samples {
  readonly modelFile: string;
  readonly specFile: string;
  /** Folders of one `.npz` file a sample, with `labels.csv` where samples are labeled. */
  readonly folders: { readonly calibration: string; readonly evaluation: string };
}

/** Reads a subject's samples and writes them, preprocessed, below `folder`. */
export async function layOut(
  subject: Subject,
  models: string,
  folder: string,
  most: Limits,
): Promise<LaidOut> {
  const samples = await subject.samples(models, most);
  const folders = {
    calibration: join(folder, 'calibration'),
    evaluation: join(folder, 'evaluation'),
  };
  await writeSamples(folders.calibration, samples.calibration);
  await writeSamples(folders.evaluation, samples.evaluation);
  const specFile = join(folder, 'model.yaml');
  await writeFile(specFile, subject.spec);
  return { ...samples, modelFile: modelFile(subject, models), specFile, folders };
}

export async function writeSamples(folder: string, samples: readonly Sample[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const rows: string[] = [];
  for (const [index, { tensors, label }] of samples.entries()) {
    const file = `${String(index).padStart(5, '0')}.npz`;
    await writeFile(join(folder, file), npz(tensors));
    if (label !== undefined) rows.push(`${file},${label}`);
  }
  if (rows.length === 0) return;
  await writeFile(join(folder, 'labels.csv'), ['file,class_index', ...rows, ''].join('\n'));
}
