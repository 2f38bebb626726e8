import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convert, type VariantReport } from '@flotilla/converters';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SQUEEZENET_IMAGES } from './zoo/image-specs.ts';

const models = process.env.FLOTILLA_MODELS ?? '';
const images = join(models, 'data/imagenet300');

let folder = '';
let variants: readonly VariantReport[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-squeezenet-'));
  const specFile = join(folder, 'squeezenet.yaml');
  await writeFile(specFile, SQUEEZENET_IMAGES);
  ({ variants } = await convert({
    modelFile: join(models, 'derived/squeezenet1.1_fp32_widened.onnx'),
    specFile,
    version: 1,
    targets: ['x86-64'],
    precisions: ['int8', 'fp16', 'fp32'],
    calibration: images,
    evaluation: images,
    scheme: { method: 'min-max', equalize: false, biasCorrection: false, rounding: 'nearest' },
    out: join(folder, 'out'),
  }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const of = (precision: string) => variants.find((variant) => variant.precision === precision);

test('fp32 reaches the top-1 that the 300 images are known for', () => {
  // 61.67 % on all 300; the 200 that judge are a draw of them.
  expect(of('fp32')?.accuracy.fp32).toBeGreaterThan(0.55);
  expect(of('fp32')?.accuracy).toMatchObject({ samples: 200, agreement: 1, lost: 0, won: 0 });
});

test('int8 takes little more than a quarter of the bytes, fp16 half', () => {
  const whole = of('fp32')?.bytes ?? 0;
  expect(of('int8')?.bytes).toBeLessThan(whole * 0.28);
  expect(of('fp16')?.bytes).toBeLessThan(whole * 0.51);
});

test('no node of int8 is noisier than 15 dB', () => {
  const sqnr = of('int8')?.sqnr ?? [];
  expect(sqnr.length).toBeGreaterThan(26);
  expect(sqnr[0]?.db).toBeGreaterThan(15);
});
