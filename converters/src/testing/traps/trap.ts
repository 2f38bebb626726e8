import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeOnnx } from '../../formats/onnx/write.ts';
import type { Model } from '../../ir/graph.ts';

export interface TrapSample {
  readonly input: Float32Array<ArrayBuffer>;
  /** Undefined where the model does not classify. */
  readonly label: number | undefined;
}

export interface TrapFiles {
  readonly modelFile: string;
  readonly specFile: string;
  /** Folders of arrays with labels. */
  readonly calibration: string;
  readonly evaluation: string;
}

/**
 * A small network with a structure that quantizers are known to fail on. Its weights are set, not
 * trained: in float32 it solves its task, and what int8 costs is what the structure costs.
 */
export interface Trap {
  readonly name: string;
  /** What goes wrong. */
  readonly why: string;
  /** What int8 everywhere, with ranges from the extremes, does to it. */
  readonly naive: 'lost' | 'kept';
  /** model.yaml */
  readonly spec: string;
  readonly inputShape: readonly number[];
  model(): Model;
  /** Other seeds, other samples of the same task. */
  samples(seed: number, count: number): readonly TrapSample[];
  /** Model, spec, calibration and evaluation samples in an empty folder. */
  write(folder: string): Promise<TrapFiles>;
}

export interface TrapDefinition extends Pick<Trap, 'name' | 'why' | 'naive' | 'inputShape'> {
  /** Default: classes from `logits`, and half a point of accuracy to lose. */
  readonly outputs?: string;
  readonly build: () => Model;
  readonly draw: (seed: number, count: number) => readonly TrapSample[];
}

const CALIBRATION = { seed: 1, count: 60 };
const EVALUATION = { seed: 1001, count: 120 };
const CLASSES = `outputs: {classification: {tensor: logits, activation: softmax}}
evaluation: {metric: top1, maxDrop: 0.005}`;

export function defineTrap(definition: TrapDefinition): Trap {
  const { name, build: model, draw: samples, inputShape, outputs = CLASSES } = definition;
  const spec = `schema: 1\nname: ${name}\ninputs: {input: {raw: {}}}\n${outputs}\n`;
  return {
    ...definition,
    spec,
    model,
    samples,
    async write(folder) {
      const files = {
        modelFile: join(folder, `${name}.onnx`),
        specFile: join(folder, `${name}.yaml`),
        calibration: join(folder, 'calibration'),
        evaluation: join(folder, 'evaluation'),
      };
      await writeFile(files.modelFile, writeOnnx(model()));
      await writeFile(files.specFile, spec);
      for (const [key, { seed, count }] of [
        ['calibration', CALIBRATION],
        ['evaluation', EVALUATION],
      ] as const) {
        await writeArrays(files[key], inputShape, samples(seed, count));
      }
      return files;
    },
  };
}

/** Each sample as a file in NumPy's format, and their labels. */
async function writeArrays(
  folder: string,
  shape: readonly number[],
  samples: readonly TrapSample[],
): Promise<void> {
  await mkdir(folder);
  const about = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')}), }`;
  const header = Buffer.from(`\x93NUMPY\x01\x00\x76\x00${about.padEnd(117)}\n`, 'latin1');
  const lines = ['file,class_index'];
  for (const [i, { input, label }] of samples.entries()) {
    const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
    await writeFile(join(folder, `${i}.npy`), Buffer.concat([header, bytes]));
    if (label !== undefined) lines.push(`${i}.npy,${label}`);
  }
  if (lines.length > 1) await writeFile(join(folder, 'labels.csv'), `${lines.join('\n')}\n`);
}
