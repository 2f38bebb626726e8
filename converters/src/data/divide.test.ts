import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPipeline, parseSpec, type TensorInfo, type Tensors } from '@flotilla/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeSamples } from '../testing/samples.ts';
import { type DataRequest, type DataTaker, type DividedData, divideData } from './divide.ts';

const INPUTS: readonly TensorInfo[] = [{ name: 'x', type: 'FP32', shape: [1, 4] }];
const SPEC = `
schema: 1
name: m
inputs: {x: {raw: {}}}
outputs: {classification: {tensor: y, activation: none}}
evaluation: {metric: top1}
`;
const LIMITS = {
  maxCalibration: 200,
  maxChoice: 200,
  maxEvaluation: 1000,
  seed: 1,
  needsCalibration: true,
  needsChoice: true,
};

let folder = '';
let taker: DataTaker;
let one = '';
let two = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-divide-'));
  one = join(folder, 'one');
  two = join(folder, 'two');
  await writeSamples(one, [1, 4], 30, 1);
  await writeSamples(two, [1, 4], 12, 100);
  const spec = parseSpec(SPEC, 'model.yaml');
  const decoder = { decode: async () => ({ width: 1, height: 1, data: new Uint8Array(3) }) };
  const pipeline = createPipeline(spec, { labels: undefined, inputs: INPUTS, decoder });
  taker = { spec, labels: undefined, pipeline, session: { inputs: INPUTS } };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const divided = (changes: Partial<DataRequest>): Promise<DividedData> =>
  divideData({ ...LIMITS, ...changes }, taker);

const sizes = ({ calibration, choice, evaluation }: DividedData): number[] =>
  [calibration, choice, evaluation].map(({ items }) => items.length);

const names = ({ calibration, choice, evaluation }: DividedData): string[] =>
  [calibration, choice, evaluation].flatMap(({ items }) => items.map(({ where }) => where));

describe('data', () => {
  test('in two folders: that of calibration also chooses, and no sample is used twice', async () => {
    const data = await divided({ calibration: one, evaluation: two });
    expect(sizes(data)).toEqual([20, 10, 12]);
    expect(new Set(names(data)).size).toBe(42);
    expect(data.warnings).toEqual([]);
  });

  test('in one folder are divided in three, and a warning says so', async () => {
    const data = await divided({ calibration: one, evaluation: one });
    expect(sizes(data)).toEqual([10, 5, 15]);
    expect(new Set(names(data)).size).toBe(30);
    expect(data.warnings.join()).toMatch(/10 samples calibrate, 5 choose settings, 15 judge/);
    expect(names(await divided({ evaluation: one }))).toEqual(names(data));
  });

  test('beyond what calibration may have are left to the choice', async () => {
    const data = await divided({
      calibration: one,
      evaluation: two,
      maxCalibration: 4,
      maxChoice: 22,
    });
    expect(sizes(data)).toEqual([4, 22, 12]);
  });

  test('are not divided further than is needed', async () => {
    const settled = await divided({ calibration: one, evaluation: two, needsChoice: false });
    expect(sizes(settled)).toEqual([30, 0, 12]);
    const neither = { needsChoice: false, needsCalibration: false };
    expect(sizes(await divided({ evaluation: one, ...neither }))).toEqual([0, 0, 30]);
  });

  test('made up from the model calibrate; the evaluation folder chooses and judges', async () => {
    const synthesize = async (count: number): Promise<Tensors[]> =>
      Array.from({ length: count }, () => ({
        x: { type: 'FP32', shape: [1, 4], data: new Float32Array(4) },
      }));
    const both = await divided({ calibration: 'synthetic', evaluation: one, synthesize });
    expect(sizes(both)).toEqual([64, 10, 20]);
    expect(both.synthetic).toBe(true);
    const none = await divided({ calibration: 'synthetic', synthesize, maxEvaluation: 5 });
    expect(sizes(none)).toEqual([64, 64, 5]);
    expect(new Set(names(none)).size).toBe(133);
  });

  test('of which fewer than two are left to calibrate with are refused by name', async () => {
    const few = join(folder, 'few');
    await mkdir(few);
    await writeFile(join(few, '0.npy'), '');
    await expect(divided({ calibration: few, evaluation: two })).rejects.toThrow(
      /few: 1 sample is left to calibrate with, and 2 are the least: add some/,
    );
  });
});

test('a folder of images for a raw input is refused', async () => {
  const images = join(folder, 'images');
  await mkdir(images);
  await writeFile(join(images, 'a.png'), '');
  await expect(divided({ evaluation: images })).rejects.toThrow(/a\.png is an image.*"x"/);
});
