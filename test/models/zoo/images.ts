import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPipeline, parseSpec, type TensorInfo } from '@flotilla/model';
import { sharpDecoder } from '@flotilla/model/node';
import type { Sample } from './subject.ts';

/** A file and the class that its label stands for. */
export interface LabeledFile {
  readonly path: string;
  readonly label: number;
}

/** The labeled images of ImageNet in a folder, by name. */
export async function imagenetFiles(folder: string): Promise<LabeledFile[]> {
  const rows = (await readFile(join(folder, 'labels.csv'), 'utf8')).trim().split('\n').slice(1);
  return rows
    .map((row) => row.split(','))
    .map(([file = '', index]) => ({ path: join(folder, file), label: Number(index) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Images as the model of a spec takes them, preprocessed by the pipeline that devices use.
 *
 * @param input what the model declares of its one input
 */
export async function imageSamples(
  files: readonly LabeledFile[],
  spec: string,
  input: TensorInfo,
): Promise<Sample[]> {
  const options = { labels: undefined, inputs: [input], decoder: sharpDecoder() };
  const pipeline = createPipeline(parseSpec(spec, 'the spec of the images'), options);
  return await Promise.all(
    files.map(async ({ path, label }) => {
      const raw = { [input.name]: new Uint8Array(await readFile(path)) };
      const { tensors } = await pipeline.preprocess(raw, path);
      return { tensors, label };
    }),
  );
}
