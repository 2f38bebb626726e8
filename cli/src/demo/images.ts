import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Drift, renderDataset } from '@flotilla/example-parts-inspection';

/** Folders of rendered frames: what the builder gets, and what passes the devices' cameras. */
export interface DemoImages {
  readonly calibration: string;
  readonly evaluation: string;
  /** Frames as the camera sees them every day, and after the lamp failed. */
  readonly clean: readonly Frame[];
  readonly drifted: readonly Frame[];
}

export interface Frame {
  readonly bytes: Uint8Array;
  readonly label: string;
}

const SETS = {
  calibration: { perClass: 12, seed: 11 },
  evaluation: { perClass: 20, seed: 12 },
  clean: { perClass: 24, seed: 13 },
  drifted: { perClass: 24, seed: 13, drift: 'lamp' },
} as const satisfies Record<string, { perClass: number; seed: number; drift?: Drift }>;

type SetName = keyof typeof SETS;

/** Renders every set; the same seeds give the same frames in each run of the demo. */
export async function renderImages(
  folder: string,
  onProgress: (share: number) => void,
): Promise<DemoImages> {
  const names = Object.keys(SETS) as SetName[];
  for (const [index, name] of names.entries()) {
    await renderDataset(join(folder, name), SETS[name], (done, total) =>
      onProgress((index + done / total) / names.length),
    );
  }
  return {
    calibration: join(folder, 'calibration'),
    evaluation: join(folder, 'evaluation'),
    clean: await readFrames(join(folder, 'clean')),
    drifted: await readFrames(join(folder, 'drifted')),
  };
}

async function readFrames(folder: string): Promise<Frame[]> {
  const rows = (await readFile(join(folder, 'labels.csv'), 'utf8')).trim().split('\n').slice(1);
  const present = new Set(await readdir(folder));
  const listed = rows.map((row) => row.split(',')).filter(([file = '']) => present.has(file));
  return Promise.all(
    listed.map(async ([file = '', label = '']) => ({
      bytes: await readFile(join(folder, file)),
      label,
    })),
  );
}
