import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { convert } from '@flotilla/converters';
import { type Drift, renderDataset } from '@flotilla/example-parts-inspection';
import { oncePerRun } from './once.ts';

/** A rendered image of a part, as a camera delivers it. */
export interface Frame {
  readonly label: string;
  readonly bytes: Uint8Array;
}

/** The example in a form that tests can roll out: bundles for x86-64, and images. */
export interface Parts {
  /** Folder with the bundle of a version. */
  bundles(version: 1 | 2 | 3): string;
  /** Folder with the model of a version as it was exported. */
  source(version: 1 | 2 | 3): string;
  readonly calibration: string;
  readonly evaluation: string;
  readonly clean: readonly Frame[];
  /** After the lamp over the belt failed. */
  readonly dark: readonly Frame[];
}

const EXAMPLE = fileURLToPath(new URL('../../examples/parts-inspection/versions', import.meta.url));
const VERSIONS = [1, 2, 3] as const;
const SETS = {
  calibration: { perClass: 12, seed: 11 },
  evaluation: { perClass: 8, seed: 12 },
  clean: { perClass: 24, seed: 13 },
  dark: { perClass: 12, seed: 13, drift: 'lamp' },
} as const satisfies Record<string, { perClass: number; seed: number; drift?: Drift }>;

/** Made once in a run of the tests. */
export async function loadParts(): Promise<Parts> {
  const folder = await oncePerRun('parts', build);
  return {
    bundles: (version) => join(folder, `v${version}`),
    source: (version) => join(EXAMPLE, `${version}`),
    calibration: join(folder, 'calibration'),
    evaluation: join(folder, 'evaluation'),
    clean: await readFrames(join(folder, 'clean')),
    dark: await readFrames(join(folder, 'dark')),
  };
}

async function build(folder: string): Promise<void> {
  for (const [name, options] of Object.entries(SETS)) {
    await renderDataset(join(folder, name), options);
  }
  for (const version of VERSIONS) {
    await convert({
      modelFile: join(EXAMPLE, `${version}`, 'model.onnx'),
      version,
      targets: ['x86-64'],
      precisions: ['int8'],
      calibration: join(folder, 'calibration'),
      evaluation: join(folder, 'evaluation'),
      out: join(folder, `v${version}`),
      latencyRuns: 3,
    });
  }
}

async function readFrames(folder: string): Promise<Frame[]> {
  const rows = (await readFile(join(folder, 'labels.csv'), 'utf8')).trim().split('\n').slice(1);
  const present = new Set(await readdir(folder));
  return Promise.all(
    rows
      .map((row) => row.split(','))
      .filter(([file = '']) => present.has(file))
      .map(async ([file = '', label = '']) => ({
        label,
        bytes: await readFile(join(folder, file)),
      })),
  );
}
