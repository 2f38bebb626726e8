import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { expectOneLine } from '../support/one-line.ts';
import { loadParts, type Parts } from '../support/parts.ts';
import { run } from '../support/processes.ts';
import { treeOf } from '../support/tree.ts';

/** A machine under load starts processes slowly. */
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let parts: Parts;

const at = (...names: string[]) => join(folder, ...names);
const flotilla = (...args: string[]) => run('flotilla', args, { FLOTILLA_HOME: at('home') });

beforeAll(async () => {
  parts = await loadParts();
  folder = await mkdtemp(join(tmpdir(), 'flotilla-cli-'));
  await cp(parts.source(2), at('model'), { recursive: true });
  const model = await readFile(at('model', 'model.onnx'));
  await cp(at('model'), at('damaged'), { recursive: true });
  await writeFile(at('damaged', 'model.onnx'), model.subarray(0, 100_000));
  await writeFile(at('damaged', 'text.onnx'), 'these are no protobuf fields\n');
  await writeFile(at('damaged', 'empty.onnx'), '');
  await writeFile(at('damaged', 'model.yaml'), 'schema: 1\nname: parts\n');
  await mkdir(at('nothing'));
  await mkdir(at('labels-only'));
  await cp(join(parts.evaluation, 'labels.csv'), at('labels-only', 'labels.csv'));
  await cp(parts.calibration, at('undecodable'), { recursive: true });
  await writeFile(at('undecodable', 'part-00005.jpg'), 'no picture');
  await writeFile(at('a-file'), '');
});

afterAll(() => rm(folder, { recursive: true, force: true }));

interface BadInput {
  readonly what: string;
  readonly model?: string[];
  readonly options?: Record<string, string>;
  readonly further?: string[];
  readonly says: RegExp;
  readonly code: 1 | 2;
}

const BAD_INPUT: BadInput[] = [
  {
    what: 'a model that is cut off',
    model: ['damaged', 'model.onnx'],
    says: /damaged\/model\.onnx .*cut off.*: export it again/,
    code: 1,
  },
  {
    what: 'a file that is no ONNX',
    model: ['damaged', 'text.onnx'],
    says: /text\.onnx is not a readable ONNX model \(it looks like a text file\): give the path/,
    code: 1,
  },
  {
    what: 'a folder in place of a model',
    model: ['model'],
    says: /model is a folder: give the path of the ONNX file in it/,
    code: 2,
  },
  {
    what: 'a version that is none',
    options: { 'model-version': '0' },
    says: /--model-version takes a whole number from 1, not "0"/,
    code: 2,
  },
  {
    what: 'an empty file',
    model: ['damaged', 'empty.onnx'],
    says: /empty\.onnx is not a readable ONNX model/,
    code: 1,
  },
  {
    what: 'a model that is not there',
    model: ['absent.onnx'],
    says: /no model at .*absent\.onnx: give the path/,
    code: 2,
  },
  {
    what: 'an unknown target',
    options: { target: 'raspberry-pi-9' },
    says: /"raspberry-pi-9" is not known: use one of .*raspberry-pi-5/,
    code: 2,
  },
  {
    what: 'one unknown target among known ones',
    options: { target: 'x86-64,toaster' },
    says: /"toaster" is not known/,
    code: 2,
  },
  {
    what: 'an unknown precision',
    options: { precision: 'int9' },
    says: /int9: use auto or some of/,
    code: 2,
  },
  {
    what: 'an empty calibration folder',
    options: { calibration: 'nothing' },
    says: /nothing: it holds no image and no array; give/,
    code: 2,
  },
  {
    what: 'a calibration folder that is not there',
    options: { calibration: 'absent' },
    says: /absent: there is no such folder; give/,
    code: 2,
  },
  {
    what: 'labels without their files',
    options: { evaluate: 'labels-only' },
    says: /labels-only: no file that labels\.csv names is there .*part-00000\.jpg/,
    code: 2,
  },
  {
    what: 'an image that does not decode',
    options: { calibration: 'undecodable' },
    says: /undecodable\/part-00005\.jpg does not decode .*: replace or remove it/,
    code: 1,
  },
  {
    what: 'a spec that is not there',
    options: { spec: 'absent.yaml' },
    says: /no model spec at .*absent\.yaml: write one/,
    code: 2,
  },
  {
    what: 'a spec that lacks its outputs',
    options: { spec: 'damaged/model.yaml' },
    says: /damaged\/model\.yaml: .* is missing/,
    code: 1,
  },
  {
    what: 'a budget that is no number',
    options: { 'max-drop': 'little' },
    says: /--max-drop takes a number from 0, not "little"/,
    code: 2,
  },
  {
    what: 'an option that there is not',
    further: ['--quantise'],
    says: /unknown option '--quantise'.*see --help/,
    code: 2,
  },
];

describe('flotilla optimize on bad input ends in one line and writes nothing', () => {
  test.for(BAD_INPUT)('$what', async ({ model, options, further = [], says, code }) => {
    const given: Record<string, string> = {
      target: 'x86-64',
      precision: 'int8',
      calibration: parts.calibration,
      evaluate: parts.evaluation,
      ...options,
    };
    for (const name of ['calibration', 'evaluate', 'spec']) {
      const path = given[name];
      if (path !== undefined && !path.startsWith('/')) given[name] = at(path);
    }
    const words = Object.entries(given).flatMap(([name, value]) => [`--${name}`, value]);
    const file = at(...(model ?? ['model', 'model.onnx']));
    const ended = await flotilla('optimize', file, ...words, '-o', at('out'), ...further);
    expectOneLine(ended, says, code);
    expect(await treeOf(at('out'))).toBeUndefined();
  });

  test('an output folder that is a file', async () => {
    const words = ['--target', 'x86-64', '--precision', 'fp32', '--evaluate', parts.evaluation];
    const ended = await flotilla(
      'optimize',
      at('model', 'model.onnx'),
      ...words,
      '-o',
      at('a-file'),
    );
    expectOneLine(ended, /a-file cannot be a folder: .*a-file is a file; name another/, 2);
  });
});

describe('flotilla inspect', () => {
  test('prints JSON of the documented form', async () => {
    const { code, stdout, stderr } = await flotilla('inspect', at('model', 'model.onnx'), '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      format: 'onnx',
      opset: 13,
      inputs: [{ name: 'image' }],
      outputs: [{ name: 'logits' }],
      ops: { Conv: 9, BatchNormalization: 9 },
      parameters: expect.any(Number),
      bytes: expect.any(Number),
    });
  });

  test.for(['damaged/model.onnx', 'damaged/text.onnx'])('refuses %s in one line', async (file) => {
    expectOneLine(await flotilla('inspect', at(file)), /is not a readable ONNX model/, 1);
  });

  test('tells what is in a bundle, and refuses one of which a byte changed', async () => {
    const [name = ''] = (await readdir(parts.bundles(2))).filter((it) => it.endsWith('.flotilla'));
    const file = join(parts.bundles(2), name);
    const { code, stdout } = await flotilla('inspect', file);
    expect(code).toBe(0);
    expect(stdout).toMatch(/parts[\s\S]*x86-64[\s\S]*int8/);
    const bytes = await readFile(file);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    await writeFile(at('changed.flotilla'), bytes);
    expectOneLine(
      await flotilla('inspect', at('changed.flotilla')),
      /changed\.flotilla.*sha256/,
      1,
    );
  });

  test('refuses to inspect nothing', async () => {
    expectOneLine(await flotilla('inspect'), /missing required argument 'file'; see --help/, 2);
  });
});

test('flotilla bench takes no more threads than there are processors', async () => {
  const ended = await flotilla('bench', at('model', 'model.onnx'), '--threads', '1000000');
  expectOneLine(ended, /--threads must be a whole number from 1 to \d+$/m, 2);
});

describe('flotilla convert', () => {
  test('writes a smaller graph with the same results, and says what each pass did', async () => {
    const words = [at('model', 'model.onnx'), '-o', at('smaller.onnx'), '--json'];
    const { code, stdout, stderr } = await flotilla('convert', ...words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const made = JSON.parse(stdout);
    expect(made.after.nodes).toBeLessThan(made.before.nodes);
    expect(made.check).toMatchObject({ runs: 3, difference: expect.any(Number) });
    expect(made.files).toEqual([at('smaller.onnx')]);
    const shown = await flotilla('convert', at('model', 'model.onnx'), '-o', at('again.onnx'));
    expect(shown.stdout).toMatch(/conv-batchnorm +9[\s\S]*wrote .*again\.onnx/);
    expect(await readFile(at('again.onnx'))).toEqual(await readFile(at('smaller.onnx')));
  });

  test.for([
    [['--passes', 'magic'], /pass "magic" is not known: use one of .*dead-code/],
    [['--keep', 'logit'], /nothing in the model is named "logit".*close: "logits"/],
    [['--outputs', 'logit'], /cannot be cut at "logit".*close: "logits"/],
    [['--fix-shape', 'width=3'], /"width" cannot be fixed/],
  ] as const)('%j is refused in one line', async ([words, says]) => {
    const model = at('model', 'model.onnx');
    const ended = await flotilla('convert', model, '-o', at('none.onnx'), ...words);
    expectOneLine(ended, says, 2);
    expect(await readdir(folder)).not.toContain('none.onnx');
  });
});

test('flotilla optimize --json prints what it made, and the bundles are there', async () => {
  const words = ['--target', 'x86-64,raspberry-pi-5', '--precision', 'int8,fp32', '--json'];
  const data = ['--calibration', parts.calibration, '--evaluate', parts.evaluation];
  const out = at('made');
  const model = join(parts.source(1), 'model.onnx');
  const made = await flotilla('optimize', model, ...words, ...data, '-o', out);
  expect({ code: made.code, stderr: made.stderr }).toEqual({ code: 0, stderr: '' });
  const { variants } = JSON.parse(made.stdout);
  expect(
    variants.map((one: { target: string; precision: string }) => [one.target, one.precision]),
  ).toEqual(
    expect.arrayContaining([
      ['x86-64', 'int8'],
      ['raspberry-pi-5', 'int8'],
      ['x86-64', 'fp32'],
    ]),
  );
  for (const variant of variants) {
    expect(variant).toMatchObject({
      file: expect.stringMatching(/\.flotilla$/),
      bytes: expect.any(Number),
      accuracy: {
        metric: 'top1',
        fp32: expect.any(Number),
        variant: expect.any(Number),
        lost: expect.any(Number),
        won: expect.any(Number),
        agreement: expect.any(Number),
        kl: expect.any(Number),
      },
      latencyMs: {
        fp32: expect.any(Number),
        variant: expect.any(Number),
        measuredOn: { cpu: expect.any(String), provider: 'cpu', threads: 1 },
      },
      warnings: expect.any(Array),
    });
    expect(variant.accuracy.agreement).toBeGreaterThan(0.9);
  }
  const names = variants.map(({ file }: { file: string }) => file.slice(out.length + 1));
  expect(Object.keys((await treeOf(out)) ?? {}).sort()).toEqual(
    [
      ...names,
      ...names.map((name: string) => name.replace('.flotilla', '-recipe.json')),
      'parts-1-report.html',
      'parts-1-report.json',
    ].sort(),
  );
});
