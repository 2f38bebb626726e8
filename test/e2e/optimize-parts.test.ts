import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ConvertRequest, type ConvertResult, convert } from '@flotilla/converters';
import { renderDataset } from '@flotilla/example-parts-inspection';
import { targetPath, trustRoot, verifyMetadata, webCryptoVerifier } from '@flotilla/protocol';
import { readBundleFile } from '@flotilla/protocol/node';
import { afterAll, beforeAll, expect, test } from 'vitest';

const version = (number: number): string =>
  fileURLToPath(
    new URL(`../../examples/parts-inspection/versions/${number}/model.onnx`, import.meta.url),
  );

let folder = '';
let request: ConvertRequest;
let result: ConvertResult;
/** Processor time of this process and its threads, ms. */
let took = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-parts-'));
  const [calibration, evaluation] = [join(folder, 'calibration'), join(folder, 'evaluation')];
  await renderDataset(calibration, { perClass: 12, seed: 51 });
  await renderDataset(evaluation, { perClass: 25, seed: 52 });
  request = {
    modelFile: version(2),
    version: 2,
    targets: ['raspberry-pi-5', 'jetson-orin', 'x86-64'],
    precisions: ['int8', 'fp16'],
    calibration,
    evaluation,
    out: join(folder, 'out'),
  };
  took = await cpuMs(async () => {
    result = await convert(request);
  });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test('the trained model keeps its accuracy on every target, in int8 and fp16', () => {
  expect(result.variants).toHaveLength(6);
  for (const { accuracy, file, target, precision } of result.variants) {
    const what = `${target} ${precision}: ${accuracy.judged}`;
    expect(accuracy.fp32, what).toBeGreaterThan(0.9);
    expect(accuracy.passed, what).toBe(true);
    expect(accuracy.agreement, what).toBeGreaterThan(0.95);
    expect(file).not.toBeNull();
  }
});

test('targets share their work: three take much less than three times the one', async () => {
  const out = join(folder, 'alone');
  const alone = await cpuMs(() => convert({ ...request, targets: ['raspberry-pi-5'], out }));
  expect(took).toBeLessThan(2.5 * alone);
});

async function cpuMs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

test('a device that trusts the key takes every bundle', async () => {
  for (const { file } of result.variants) {
    const bundle = await readBundleFile(file ?? '');
    const trusted = trustRoot(bundle.metadata.root[0] ?? '');
    const verdict = await verifyMetadata(trusted, bundle.metadata, new Date(), webCryptoVerifier);
    expect(verdict.ok).toBe(true);
    const paths = verdict.ok ? [...verdict.targets.keys()] : [];
    expect(paths.sort()).toEqual(
      result.variants
        .map(({ target, precision }) =>
          targetPath({ model: 'parts', version: 2, target, precision }),
        )
        .sort(),
    );
  }
});

test('the version that was trained wrongly is warned of', async () => {
  const { variants } = await convert({
    ...request,
    modelFile: version(3),
    targets: ['x86-64'],
    precisions: ['fp32'],
    out: join(folder, 'three'),
  });
  expect(variants[0]?.warnings.join()).toMatch(/fp32 itself is right on only/);
});

test('an image that does not decode is named, and nothing is written', async () => {
  const calibration = join(folder, 'broken');
  await renderDataset(calibration, { perClass: 1, seed: 53 });
  await writeFile(join(calibration, 'part-00003.jpg'), 'no picture');
  const out = join(folder, 'never');
  await expect(convert({ ...request, calibration, out })).rejects.toThrow(/part-00003\.jpg/);
  expect(await readdir(folder)).not.toContain('never');
});
