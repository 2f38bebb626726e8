import { link, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { makeModel } from './make.ts';
import type { Ground } from './row.ts';
import type { StaticSetting } from './settings.ts';

/** Peak memory with more samples than usual, by method. */
export interface ManySamples {
  readonly method: StaticSetting['method'];
  readonly samples: number;
  readonly peakMb: number;
  readonly seconds: number;
}

const SAMPLES = 1000;

/** Calibrates with 1,000 samples, which are those at hand over and over: only memory is looked at. */
export async function withManySamples(ground: Ground, python: string): Promise<ManySamples[]> {
  const { calibration } = ground.folders;
  const many = join(ground.folder, 'many');
  await mkdir(many);
  const files = (await readdir(calibration)).filter((name) => name.endsWith('.npz')).sort();
  for (let i = 0; i < SAMPLES; i++) {
    const name = `${String(i).padStart(5, '0')}.npz`;
    await link(join(calibration, files[i % files.length]!), join(many, name));
  }
  const folders = { ...ground.folders, calibration: many };
  const results: ManySamples[] = [];
  for (const method of ['min-max', 'percentile'] as const) {
    const setting = { kind: 'static', method, perChannel: true } as const;
    const made = await makeModel('flotilla', setting, { ...ground, folders }, python);
    const { peakMb, seconds } = made;
    results.push({ method, samples: SAMPLES, peakMb, seconds });
  }
  return results;
}
