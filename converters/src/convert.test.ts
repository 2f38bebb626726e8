import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeGolden, decodeProfile } from '@flotilla/model';
import { ortRuntime, runLimited } from '@flotilla/model/node';
import { isFlotillaError, MEDIA, openBundle } from '@flotilla/protocol';
import { generateKeyPair, readBundleFile } from '@flotilla/protocol/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { convert } from './convert.ts';
import { writeOnnx } from './formats/onnx/write.ts';
import type { ConvertRequest, Progress } from './request.ts';
import type { ConvertResult } from './result.ts';
import { writeSamples } from './testing/samples.ts';
import { NetBuilder, smallNet } from './testing/small-net.ts';

const SPEC = `
schema: 1
name: small
inputs: {input: {raw: {}}}
outputs: {classification: {tensor: OUTPUT, activation: softmax}}
evaluation: {metric: top1, maxDrop: 0.02, slices: [side]}
`;
const SHAPE = [1, 3, 8, 8];

let folder = '';
let request: ConvertRequest;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'flotilla-convert-'));
  const net = new NetBuilder(7, SHAPE);
  const features = net.relu(net.conv(net.relu(net.conv('input', 3, 8, 3)), 8, 16, 3));
  const pooled = net.node('Flatten', [net.node('GlobalAveragePool', [features])]);
  const output = net.gemm(pooled, 16, 4);
  const model = join(folder, 'small.onnx');
  await writeFile(model, writeOnnx(net.output(output)));
  await writeFile(join(folder, 'small.yaml'), SPEC.replace('OUTPUT', output));
  await writeSamples(join(folder, 'calibration'), SHAPE, 12, 1);
  await writeSamples(join(folder, 'evaluation'), SHAPE, 30, 1000);
  request = {
    modelFile: model,
    version: 2,
    targets: ['x86-64', 'raspberry-pi-5', 'jetson-orin'],
    precisions: ['int8', 'fp16', 'fp32'],
    calibration: join(folder, 'calibration'),
    evaluation: join(folder, 'evaluation'),
    out: join(folder, 'out'),
    maxDrop: 0.2,
    latencyRuns: 3,
  };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a conversion', () => {
  let result: ConvertResult;
  const seen: Progress[] = [];
  beforeAll(async () => {
    result = await convert(request, (progress) => seen.push(progress));
  });

  test('reports every target in every precision, judged in pairs', () => {
    expect(result.variants.map(({ target, precision }) => `${target} ${precision}`)).toEqual(
      request.targets.flatMap((target) => ['int8', 'fp16', 'fp32'].map((to) => `${target} ${to}`)),
    );
    expect(result).toMatchObject({
      model: 'small',
      version: 2,
      data: { calibration: 8, choice: 4, evaluation: 30, synthetic: false },
    });
    for (const { accuracy, sqnr, latencyMs } of result.variants) {
      expect(accuracy).toMatchObject({ metric: 'top1', samples: 30, passed: true });
      expect(accuracy.variant).toBeCloseTo(accuracy.fp32 - (accuracy.lost - accuracy.won) / 30, 9);
      expect(accuracy.agreement).toBeGreaterThan(0.8);
      expect(accuracy.slices.map(({ value, samples }) => [value, samples])).toEqual([
        ['left', 15],
        ['right', 15],
      ]);
      expect(sqnr.length).toBeGreaterThan(0);
      expect(latencyMs.variant).toBeGreaterThan(0);
    }
  });

  test('keeps fp32 equal to the model as it was', () => {
    const exact = result.variants.filter(({ precision }) => precision === 'fp32');
    for (const { accuracy } of exact) expect(accuracy).toMatchObject({ agreement: 1, lost: 0 });
  });

  test('says what is measured here and what is estimated', () => {
    const jetson = result.variants.filter(({ target }) => target === 'jetson-orin');
    for (const { latencyMs, hostLatencyMs, warnings } of jetson) {
      expect(latencyMs).toMatchObject({ estimated: true, measuredOn: { provider: 'tensorrt' } });
      expect(hostLatencyMs?.measuredOn.provider).toBe('cpu');
      expect(warnings.join()).toMatch(/latency is estimated for Jetson Orin/);
      expect(warnings.join()).not.toMatch(/slower than fp32/);
    }
  });

  test('writes each variant as a bundle that opens and passes its own self-test', async () => {
    for (const { file, digest, target, precision, bytes } of result.variants) {
      const bundle = await readBundleFile(file ?? '');
      expect(bundle.digest).toBe(digest);
      const blobOf = (digestOf: string | undefined) => bundle.blobs.get(digestOf ?? '')!;
      const manifest = JSON.parse(new TextDecoder().decode(bundle.manifestBytes));
      const opened = await openBundle(bundle.manifestBytes, blobOf(manifest.config.digest));
      expect(opened.config).toMatchObject({ model: 'small', version: 2, target, precision });
      const model = blobOf(opened.blob(MEDIA.model)?.digest);
      expect(model.length).toBe(bytes);
      const golden = decodeGolden(blobOf(opened.blob(MEDIA.golden)?.digest));
      const session = await ortRuntime().load(model);
      expect(await session.run(golden.inputs[0] ?? {})).toEqual(golden.outputs[0]);
      await session.dispose();
      const profile = decodeProfile(blobOf(opened.blob(MEDIA.profile)?.digest));
      expect(profile).toMatchObject({ samples: 30 });
      expect(profile.classCounts).toHaveLength(4);
    }
  });

  test('keeps the report beside the bundles, for programs and for people', async () => {
    const report = await readFile(join(request.out, 'small-2-report.json'), 'utf8');
    expect(JSON.parse(report)).toEqual(JSON.parse(JSON.stringify(result)));
    const page = await readFile(join(request.out, 'small-2-report.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>/i);
  });

  test('says how large the graph was before and after the passes, and in each variant', () => {
    const { before, after, passes } = result.graph;
    expect(before.ops).toMatchObject({ Conv: 2, Gemm: 1 });
    expect(after.nodes).toBeLessThanOrEqual(before.nodes);
    expect(passes.length).toBeGreaterThan(3);
    const int8 = result.variants.find(({ precision }) => precision === 'int8');
    expect(int8?.graph.ops).toHaveProperty('QuantizeLinear');
    expect(int8?.ranges.length).toBeGreaterThan(0);
  });

  test('tells each step', () => {
    const steps = [...new Set(seen.map(({ step }) => step))];
    expect(steps).toEqual([
      'read',
      'passes',
      'search',
      'calibrate',
      'quantize',
      'verify',
      'bundle',
    ]);
    for (const { done, total } of seen) expect(done).toBeLessThanOrEqual(total);
  });

  test('gives the same bundles from the same input, whoever signs', async () => {
    const signing = { keyPair: generateKeyPair(), fleet: 'lyon' };
    const again = await convert({ ...request, signing, out: join(folder, 'again') });
    expect(again.variants.map(({ digest }) => digest)).toEqual(
      result.variants.map(({ digest }) => digest),
    );
  });

  test('runs in a child process', async () => {
    const child = await runLimited<ConvertResult>({
      script: new URL('child.ts', import.meta.url),
      name: 'converting',
      input: { ...request, out: join(folder, 'child'), targets: ['x86-64'], precisions: ['int8'] },
      timeoutMs: 60_000,
    });
    expect(child.variants[0]?.digest).toBe(result.variants[0]?.digest);
  });
});

describe('with auto', () => {
  test('one variant comes for each target, and what a target cannot take has no file', async () => {
    const { variants, searches } = await convert({
      ...request,
      precisions: 'auto',
      targets: ['jetson-nano', 'tflite'],
      out: join(folder, 'auto'),
    });
    expect(
      variants.map(({ target, precision, file }) => [target, precision, file !== null]),
    ).toEqual([
      ['jetson-nano', 'fp16', true],
      ['tflite', 'int8', false],
    ]);
    expect(searches.map(({ verdict }) => verdict)).toEqual([
      expect.stringMatching(
        /^fp16 was chosen for Jetson Nano .*: 0\.\d\d × the time of fp32, estim/,
      ),
      expect.stringMatching(/^Nothing was chosen for TensorFlow Lite/),
    ]);
    expect(variants[1]?.warnings[0]).toMatch(
      /no bundle was written: .* takes other files than ONNX/,
    );
  });

  test('a target that does not run a precision gets no bundle of it', async () => {
    const both = { targets: ['jetson-nano', 'x86-64'], precisions: ['int8'] } as const;
    const { variants, warnings } = await convert({
      ...request,
      ...both,
      out: join(folder, 'nano'),
    });
    expect(variants.map(({ target }) => target)).toEqual(['x86-64']);
    expect(warnings.join()).toMatch(/does not run int8: ask for fp16, fp32/);
  });

  test('where no target runs what is asked for, nothing begins', async () => {
    const only = { targets: ['jetson-nano'], precisions: ['int8'] } as const;
    const steps: string[] = [];
    const nothing = convert({ ...request, ...only, out: join(folder, 'none') }, ({ step }) =>
      steps.push(step),
    );
    await expect(nothing).rejects.toThrow(/does not run int8: ask for fp16, fp32/);
    expect(steps).toEqual([]);
  });

  test('a target named twice is one', async () => {
    const twice = { targets: ['x86-64', 'x86-64'], precisions: ['fp32'] } as const;
    const { variants } = await convert({ ...request, ...twice, out: join(folder, 'twice') });
    expect(variants).toMatchObject([{ target: 'x86-64', file: expect.any(String) }]);
  });
});

test('one folder for both purposes is divided, and the result says so', async () => {
  const { data, warnings, variants } = await convert({
    ...request,
    targets: ['x86-64'],
    precisions: ['int8'],
    calibration: join(folder, 'evaluation'),
    out: join(folder, 'divided'),
  });
  expect(data).toEqual({ calibration: 10, choice: 5, evaluation: 15, synthetic: false });
  expect(warnings[0]).toMatch(
    /10 samples calibrate, 5 choose settings, 15 judge, drawn by name with seed 1$/,
  );
  expect(variants[0]?.warnings.join()).toMatch(
    /judged by 15 samples only: a net loss of up to \d+ % would not show/,
  );
});

test('a conversion that is stopped leaves nothing where its bundles would go', async () => {
  const stop = new AbortController();
  const task = runLimited<ConvertResult, Progress>({
    script: new URL('child.ts', import.meta.url),
    name: 'converting',
    input: { ...request, out: join(folder, 'stopped') },
    timeoutMs: 60_000,
    onProgress: ({ step }) => step === 'verify' && stop.abort(),
    signal: stop.signal,
  });
  await expect(task).rejects.toMatchObject({ code: 'child.aborted' });
  expect(await readdir(folder)).not.toContain('stopped');
});

describe('bad input ends in one line that names it, and writes nothing', () => {
  const refusal = async (changes: Partial<ConvertRequest>): Promise<string> => {
    const out = join(folder, 'refused');
    try {
      await convert({ ...request, ...changes, out });
      return 'accepted';
    } catch (error) {
      if (!isFlotillaError(error)) throw error;
      expect(await readdir(folder)).not.toContain('refused');
      expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      expect(error.message).not.toMatch(/\n/);
      return error.message;
    }
  };

  test('a file that is no model', async () => {
    const modelFile = join(folder, 'text.onnx');
    await writeFile(modelFile, 'no model');
    expect(await refusal({ modelFile })).toContain('text.onnx is not a readable ONNX model');
    expect(await refusal({ modelFile: join(folder, 'gone.onnx') })).toContain('gone.onnx');
  });

  test('an unknown target, an impossible precision, a missing folder', async () => {
    expect(await refusal({ targets: ['toaster' as 'tflite'] })).toMatch(/"toaster" is not known/);
    expect(await refusal({ version: 0 })).toMatch(/version .*must be a whole number from 1/);
    expect(await refusal({ maxDrop: 5 })).toMatch(/maxDrop .*must be a fraction/);
    expect(await refusal({ precisions: ['int3' as 'int4'] })).toMatch(/int3 cannot be made/);
    expect(await refusal({ evaluation: join(folder, 'nowhere') })).toMatch(/nowhere: there is no/);
    const { calibration: _, evaluation: __, ...without } = request;
    await expect(convert(without)).rejects.toThrow('variants are judged by samples');
  });

  test('bundles that could not be written, before any work is done', async () => {
    const file = join(folder, 'a-file');
    await writeFile(file, '');
    const steps: Progress[] = [];
    const into = (out: string) => convert({ ...request, out }, (at) => steps.push(at));
    await expect(into(file)).rejects.toThrow(/out .*a-file cannot be a folder: .*a-file is a file/);
    await expect(into(join(file, 'below'))).rejects.toThrow(
      /below cannot be a folder: .*a-file is/,
    );
    expect(steps).toEqual([]);
  });

  test('a file that the runtime refuses', async () => {
    const model = smallNet(1);
    model.graph.nodes[0]!.op = 'NoSuchOperator';
    const modelFile = join(folder, 'odd.onnx');
    await writeFile(modelFile, writeOnnx(model));
    expect(
      await refusal({ modelFile, specFile: request.modelFile.replace('.onnx', '.yaml') }),
    ).toMatch(/odd\.onnx/);
  });

  test('arrays of the wrong shape, and labels that are no classes', async () => {
    const wide = join(folder, 'wide');
    await writeSamples(wide, [1, 3, 4, 4], 6, 1);
    expect(await refusal({ calibration: wide })).toMatch(
      /wide\/\d\.npy cannot be used as data: tensor input has shape \[1,3,4,4\], the model takes/,
    );
    const foreign = join(folder, 'foreign');
    await writeSamples(foreign, SHAPE, 6, 1);
    await writeFile(join(foreign, 'labels.csv'), 'file,label\n0.npy,bolt\n1.npy,nut\n');
    const named = join(folder, 'named.yaml');
    const text = await readFile(join(folder, 'small.yaml'), 'utf8');
    await writeFile(named, text.replace('activation', 'labels: [a, b, c, d], activation'));
    expect(await refusal({ specFile: named, evaluation: foreign })).toMatch(
      /foreign\/labels\.csv cannot be used as data: no label in it is a class.*"bolt", "nut"/,
    );
  });

  test('an empty folder, and an image that does not decode', async () => {
    const empty = join(folder, 'empty');
    await mkdir(empty);
    expect(await refusal({ calibration: empty })).toMatch(/empty: it holds no image/);
    const broken = join(folder, 'broken');
    await mkdir(broken);
    await writeFile(join(broken, 'a.npy'), 'no array');
    expect(await refusal({ calibration: broken })).toMatch(
      /broken: 1 sample is left to calibrate with, and 2 are the least/,
    );
    for (const name of ['b.npy', 'c.npy']) await writeFile(join(broken, name), 'no array');
    expect(await refusal({ calibration: broken })).toMatch(/[abc]\.npy cannot be used as data/);
  });
});
