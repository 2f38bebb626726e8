import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBundle, type Precision } from '@flotilla/protocol';
import { readBundleFile } from '@flotilla/protocol/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convert } from './convert.ts';
import { writeOnnx } from './formats/onnx/write.ts';
import type { ConvertRequest } from './request.ts';
import type { VariantReport } from './result.ts';
import { writeSamples } from './testing/samples.ts';
import { NetBuilder } from './testing/small-net.ts';
import type { MeasureLatency } from './verify/latency.ts';

const SHAPE = [1, 3, 8, 8];

let folder = '';
let request: ConvertRequest;

/** Gives the times that a test is about: those of models with integers, relative to the others. */
const timing =
  (ratio: number, mixed = ratio * 1.2): MeasureLatency =>
  async (_fp32, _variant, _feeds, _runs, precision) => {
    const ratios: Readonly<Partial<Record<Precision, number>>> = { fp32: 1, fp16: 1, mixed };
    return { fp32: 10, variant: 10 * (ratios[precision] ?? ratio) };
  };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-replay-'));
  const net = new NetBuilder(11, SHAPE);
  const features = net.relu(net.conv(net.relu(net.conv('input', 3, 8, 3)), 8, 16, 3));
  const output = net.gemm(net.node('Flatten', [net.node('GlobalAveragePool', [features])]), 16, 4);
  await writeFile(join(folder, 'small.onnx'), writeOnnx(net.output(output)));
  await writeFile(
    join(folder, 'small.yaml'),
    `
schema: 1
name: small
inputs: {input: {raw: {}}}
outputs: {classification: {tensor: ${output}, activation: softmax}}
evaluation: {metric: top1, maxDrop: 0.2}
`,
  );
  await writeSamples(join(folder, 'calibration'), SHAPE, 12, 1);
  await writeSamples(join(folder, 'evaluation'), SHAPE, 20, 1000);
  request = {
    modelFile: join(folder, 'small.onnx'),
    version: 1,
    targets: ['x86-64'],
    precisions: 'auto',
    calibration: join(folder, 'calibration'),
    evaluation: join(folder, 'evaluation'),
    out: join(folder, 'out'),
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function convertOne(
  changes: Partial<ConvertRequest>,
  ratio = 0.5,
): Promise<{ variant: VariantReport; warnings: readonly string[] }> {
  const { variants, warnings } = await convert({ ...request, ...changes }, () => {}, timing(ratio));
  const [variant] = variants;
  if (variant === undefined) throw new Error('no variant');
  return { variant, warnings };
}

describe('a recipe', () => {
  test('lies beside the bundle and in it, and makes the same bundle again', async () => {
    const { variant } = await convertOne({ fixShape: { input: [1, 3, 8, 8] } });
    expect(variant.precision).toBe('int8');
    const bundle = await readBundleFile(variant.file ?? '');
    const manifest = JSON.parse(new TextDecoder().decode(bundle.manifestBytes));
    const config = bundle.blobs.get(manifest.config.digest) ?? new Uint8Array();
    const opened = await openBundle(bundle.manifestBytes, config);
    const blobs = opened.manifest.layers.map(({ digest }) => bundle.blobs.get(digest));
    const text = await readFile(variant.recipeFile ?? '', 'utf8');
    expect(blobs.map((blob) => new TextDecoder().decode(blob))).toContain(text);

    const again = await convertOne({
      recipeFile: variant.recipeFile ?? '',
      out: join(folder, 'again'),
      latencyRuns: 1,
    });
    expect(again.variant.digest).toBe(variant.digest);
    expect(again.warnings).toEqual([]);
  });

  test('for other samples says that the bytes will differ', async () => {
    const { variant } = await convertOne({});
    const { warnings } = await convertOne({
      recipeFile: variant.recipeFile ?? '',
      calibration: join(folder, 'evaluation'),
      evaluation: join(folder, 'calibration'),
      out: join(folder, 'other'),
    });
    expect(warnings).toEqual([
      'the recipe was made with other calibration samples',
      'the recipe was judged on other samples',
    ]);
  });

  test('that is none, or for another target, is refused in one line', async () => {
    const recipeFile = join(folder, 'recipe.json');
    const refusal = (changes: Partial<ConvertRequest>) =>
      convertOne({ recipeFile, ...changes }).then(
        () => 'accepted',
        (error: Error) => error.message,
      );
    expect(await refusal({})).toMatch(/recipe\.json is not a recipe: there is no such file/);
    await writeFile(recipeFile, '{');
    expect(await refusal({})).toMatch(/recipe\.json is not a recipe: it is not JSON/);
    await writeFile(recipeFile, '{"schema": 2}');
    expect(await refusal({})).toMatch(/its schema is not 1/);
    const { variant } = await convertOne({});
    const recipe = JSON.parse(await readFile(variant.recipeFile ?? '', 'utf8'));
    const { cut, ...uncut } = recipe;
    const unformed = { ...recipe, scheme: { ...recipe.scheme, form: undefined } };
    const unknown = { ...recipe, target: 'abacus' };
    for (const [wrong, where] of [
      [uncut, 'cut'],
      [unformed, 'scheme'],
      [{ ...recipe, scheme: { precision: 'int8' } }, 'scheme'],
      [{ ...recipe, data: { ...recipe.data, seed: 'one' } }, 'data.seed'],
      [unknown, 'target'],
    ] as const) {
      await writeFile(recipeFile, JSON.stringify(wrong));
      expect(await refusal({})).toMatch(`recipe.json is not a recipe: `);
      expect(await refusal({})).toMatch(where);
    }
    await writeFile(recipeFile, JSON.stringify(recipe));
    expect(await refusal({ targets: ['jetson-orin'] })).toMatch(
      /names jetson-orin, and the recipe is for x86-64/,
    );
  });

  test('is contradicted by nothing that is asked beside it', async () => {
    const { variant } = await convertOne({});
    const recipeFile = variant.recipeFile ?? '';
    const refusal = (changes: Partial<ConvertRequest>) =>
      expect(convertOne({ recipeFile, ...changes, out: join(folder, 'none') })).rejects;
    await refusal({ precisions: ['int4'] }).toThrow(/differ from the recipe's, int8/);
    await refusal({ seed: 7 }).toThrow(/seed .* is 7, and 1 in the recipe: leave it out/);
    await refusal({ maxCalibration: 3 }).toThrow(/is 3, and \d+ in the recipe: leave it out/);
  });
});

describe('what is handed over with auto', () => {
  test('is fp32 where int8 is slower on this machine, and the verdict says so', async () => {
    const { variants, searches } = await convert(
      { ...request, out: join(folder, 'slow') },
      () => {},
      timing(1.4),
    );
    expect(variants).toMatchObject([{ precision: 'fp32', file: expect.any(String) }]);
    expect(searches[0]?.verdict).toMatch(/^fp32 was chosen .* takes 1\.40 × its time, measured\.$/);
  });

  test('has its first products in float where that is faster on this machine', async () => {
    const { variants, searches } = await convert(
      { ...request, out: join(folder, 'head') },
      () => {},
      timing(0.5, 0.3),
    );
    const [variant] = variants;
    expect(variant).toMatchObject({ precision: 'mixed', file: expect.any(String) });
    expect(searches[0]?.verdict).toMatch(/nodes? in float was chosen .* 0\.30 × the time of fp32/);
  });

  test('is accompanied by a variant in floats where a ladder is asked for', async () => {
    const { variants } = await convert(
      { ...request, ladder: true, out: join(folder, 'ladder') },
      () => {},
      timing(0.5),
    );
    expect(variants.map(({ precision }) => precision)).toEqual(['int8', 'fp32']);
  });

  test('is the same for the same input, times and options', async () => {
    const one = await convertOne({ out: join(folder, 'one') });
    const two = await convertOne({ out: join(folder, 'two') });
    expect(one.variant.digest).toBe(two.variant.digest);
  });

  test('follows measurements from devices, by digest and by precision', async () => {
    const { source, variants } = await convert({
      ...request,
      targets: ['raspberry-pi-5'],
      precisions: ['fp32', 'int8'],
      out: join(folder, 'measured'),
    });
    const row = (of: object, p50: number) => ({
      ...of,
      latencyMs: { p50, measuredOn: { cpu: 'Cortex-A76', provider: 'cpu', threads: 4 } },
    });
    const measurementsFile = join(folder, 'bench.json');
    const models = [row({ digest: source.digest }, 20), row({ precision: 'int8' }, 30)];
    await writeFile(measurementsFile, JSON.stringify({ models }));
    const { variant } = await convertOne({
      targets: ['raspberry-pi-5'],
      measurementsFile,
      out: join(folder, 'imported'),
    });
    expect(variants[1]?.latencyMs.estimated).toBe(true);
    expect(variant.precision).toBe('fp32');
    const asked = await convertOne({
      targets: ['raspberry-pi-5'],
      precisions: ['int8'],
      measurementsFile,
      out: join(folder, 'asked'),
    });
    expect(asked.variant).toMatchObject({
      latencyMs: { fp32: 20, variant: 30, measuredOn: { cpu: 'Cortex-A76', threads: 4 } },
      hostLatencyMs: { variant: 5 },
    });
    expect(asked.variant.warnings.join()).toMatch(
      /int8 is slower than fp32, measured on Cortex-A76/,
    );
  });
});

describe('without data to calibrate with', () => {
  test('made-up inputs calibrate, and the evaluation folder chooses and judges', async () => {
    const { data, warnings, variants } = await convert(
      { ...request, calibration: 'synthetic', maxCalibration: 8, out: join(folder, 'made-up') },
      () => {},
      timing(0.5),
    );
    expect(data).toEqual({ calibration: 8, choice: 7, evaluation: 13, synthetic: true });
    expect(warnings.join()).toMatch(/7 choose settings, 13 judge/);
    expect(variants[0]?.warnings).toContain(
      'calibrated with made-up inputs: check it on real data, or calibrate with some',
    );
  });

  test('nor to judge by, agreement with fp32 on made-up inputs judges', async () => {
    const { evaluation: _, ...without } = request;
    const { data, warnings, variants, notes } = await convert(
      { ...without, calibration: 'synthetic', maxEvaluation: 10, out: join(folder, 'nothing') },
      () => {},
      timing(0.5),
    );
    expect(data).toEqual({ calibration: 64, choice: 64, evaluation: 10, synthetic: true });
    expect(warnings.join()).toMatch(/judged by agreement on made-up inputs/);
    expect(notes.join()).toMatch(/random draws/);
    expect(variants[0]?.accuracy).toMatchObject({ metric: 'agreement', samples: 10 });
  });
});
