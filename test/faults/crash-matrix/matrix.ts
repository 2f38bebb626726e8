import { join } from 'node:path';
import { seededRandom } from '../../support/random.ts';
import { createDevice, type Device } from './device.ts';
import type { Hit } from './hit.ts';
import { killAtRandom, killAtShadowSteps, killAtSteps, killInLoop, SHADOW_STEPS } from './kills.ts';
import { mountSmall } from './small-file-system.ts';
import { createStorageWorld, cutPower, fillDisk, lossOf } from './storage.ts';
import {
  alterDownload,
  fillFileSystem,
  loseServer,
  setClockBack,
  truncateDownload,
} from './surroundings.ts';

/** How often a device is hit. */
export interface Scale {
  /** Every so manyth storage operation, and write. */
  readonly every: number;
  /** Power cuts after one another, in one life. */
  readonly chains: number;
  /** At each journalled step. */
  readonly steps: number;
  /** At every so manyth step of a shadow, as often as at each of the others. */
  readonly everyShadowStep: number;
  readonly random: number;
  /** Devices that are killed at random moments side by side. */
  readonly lanes: number;
  /** By each of the surroundings. */
  readonly surroundings: number;
  readonly fileSystem: number;
}

export const SAMPLE: Scale = {
  every: 4,
  chains: 8,
  steps: 1,
  everyShadowStep: 4,
  random: 6,
  lanes: 1,
  surroundings: 1,
  fileSystem: 1,
};
export const WHOLE: Scale = {
  every: 1,
  chains: 60,
  steps: 5,
  everyShadowStep: 1,
  random: 500,
  lanes: 2,
  surroundings: 5,
  fileSystem: 5,
};

export interface MatrixBed {
  /** Bundle of the agent. */
  readonly main: string;
  /** For the data of devices. */
  readonly folder: string;
  readonly scale: Scale;
  readonly seed: number;
  /** Told what could not be tried here, and why. */
  skipped(what: string, reason: string): void;
}

/** What a device is hit by, and what became of it. */
export interface Scenario {
  readonly name: string;
  run(bed: MatrixBed): Promise<Hit[]>;
}

export const SCENARIOS: readonly Scenario[] = [
  { name: 'power cuts', run: powerCuts },
  { name: 'full disks', run: fullDisks },
  {
    name: 'kills at journalled steps',
    run: (bed) => withDevice(bed, 'steps', (device) => killAtSteps(device, bed.scale.steps)),
  },
  {
    name: 'kills at the steps of a shadow',
    run: shadowKills,
  },
  { name: 'kills at random moments', run: randomKills },
  { name: 'crash loops and surroundings', run: loopsAndSurroundings },
  { name: 'a full file system', run: fullFileSystem },
];

async function shadowKills(bed: MatrixBed): Promise<Hit[]> {
  const { everyShadowStep: every, steps: times } = bed.scale;
  const steps = SHADOW_STEPS.filter((_, i) => i % every === bed.seed % every);
  return withDevice(bed, 'shadow', (device) => killAtShadowSteps(device, steps, times));
}

/** At each operation of a life; then, in lives of several, at any. */
async function powerCuts({ scale, seed }: MatrixBed): Promise<Hit[]> {
  const world = await createStorageWorld();
  const random = seededRandom(seed);
  const hits: Hit[] = [];
  for (let at = seed % scale.every; at < world.operations; at += scale.every) {
    const cut = { at, loss: lossOf(at) };
    hits.push(await cutPower(world, [cut], 'power cut at a storage operation'));
  }
  for (let chain = 0; chain < scale.chains; chain++) {
    const cuts = Array.from({ length: 2 + (chain % 2) }, () => ({
      at: Math.floor(random() * world.operations),
      loss: lossOf(Math.floor(random() * 3)),
    }));
    hits.push(await cutPower(world, cuts, 'power cuts, one after another'));
  }
  return hits;
}

async function fullDisks({ scale, seed }: MatrixBed): Promise<Hit[]> {
  const world = await createStorageWorld();
  const hits: Hit[] = [];
  for (let write = seed % scale.every; write < world.writes; write += scale.every) {
    hits.push(await fillDisk(world, write, 'disk full from a write on'));
  }
  return hits;
}

async function randomKills(bed: MatrixBed): Promise<Hit[]> {
  const { scale, seed } = bed;
  const lanes = Array.from({ length: scale.lanes }, (_, lane) =>
    withDevice(bed, `random-${lane}`, (device) =>
      killAtRandom(device, Math.ceil(scale.random / scale.lanes), seededRandom(seed + lane)),
    ),
  );
  return (await Promise.all(lanes)).flat();
}

async function loopsAndSurroundings(bed: MatrixBed): Promise<Hit[]> {
  const { surroundings: times } = bed.scale;
  return withDevice(bed, 'surroundings', async (device) => [
    ...(await killInLoop(device, times)),
    ...(await loseServer(device, times)),
    ...(await truncateDownload(device, times)),
    ...(await alterDownload(device, times)),
    ...(await setClockBack(device, times)),
  ]);
}

async function fullFileSystem(bed: MatrixBed): Promise<Hit[]> {
  const small = await mountSmall(join(bed.folder, 'small'));
  if (small === undefined) {
    bed.skipped('the crash matrix on a full file system', 'this user may not mount');
    return [];
  }
  try {
    const inside = { ...bed, folder: small.folder };
    return await withDevice(inside, 'device', (device) =>
      fillFileSystem(device, bed.scale.fileSystem, small.fill, small.empty),
    );
  } finally {
    small.close();
  }
}

async function withDevice(
  { main, folder }: MatrixBed,
  name: string,
  hit: (device: Device) => Promise<Hit[]>,
): Promise<Hit[]> {
  const device = await createDevice({ main, data: join(folder, name) });
  return hit(device).finally(() => device.close());
}
