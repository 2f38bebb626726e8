import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serialize } from 'node:v8';
import { ELEMENT_TYPES, type ElementType } from '@flotilla/model';
import { ORT_MAX_OPSET, ortRuntime, tfliteRuntime } from '@flotilla/model/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reluModel, tinyModel } from '../../model/src/testing/tiny-onnx.ts';
import { addModel } from '../../model/src/testing/tiny-tflite.ts';
import { arm64 } from '../support/arm64.ts';
import { type EssentialModels, type Essentials, runEssentials, runTflite } from './essentials.ts';
import type { Results } from './runtimes-main.ts';

const PARTS = 'examples/parts-inspection/versions/1/model.onnx';
const machine = await arm64();

function identityModel(type: ElementType): Uint8Array {
  return tinyModel({
    inputs: [{ name: 'x', type, shape: ['n'] }],
    outputs: [{ name: 'y', type, shape: ['n'] }],
    nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['y'] }],
  });
}

async function makeModels(): Promise<EssentialModels> {
  const types = Object.keys(ELEMENT_TYPES) as ElementType[];
  return {
    relu: reluModel(['n', 2]),
    network: await readFile(PARTS),
    tflite: addModel([4]),
    quantize: tinyModel({
      inputs: [
        { name: 'x', shape: ['n'] },
        { name: 'scale', shape: [] },
        { name: 'zero', type: 'INT8', shape: [] },
      ],
      outputs: [
        { name: 'y', type: 'INT8', shape: ['n'] },
        { name: 'z', shape: ['n'] },
      ],
      nodes: [
        { op: 'QuantizeLinear', inputs: ['x', 'scale', 'zero'], outputs: ['y'] },
        { op: 'DequantizeLinear', inputs: ['y', 'scale', 'zero'], outputs: ['z'] },
      ],
    }),
    identity: Object.fromEntries(types.map((type) => [type, identityModel(type)])) as Record<
      ElementType,
      Uint8Array
    >,
  };
}

describe.skipIf(machine === undefined)('on arm64', () => {
  let folder: string;
  let models: EssentialModels;
  let results: Results;
  let here: Essentials;

  beforeAll(async () => {
    if (machine === undefined) return;
    folder = await machine.bundle(new Map([['runtimes', 'test/arm64/runtimes-main.ts']]));
    models = await makeModels();
    await writeFile(join(folder, 'models'), serialize(models));
    const program = [join(folder, 'runtimes.js'), join(folder, 'models'), machine.ortLibrary];
    const { stdout } = await promisify(execFile)(machine.node, program, { maxBuffer: 1 << 24 });
    results = JSON.parse(stdout);
    here = await runEssentials(ortRuntime(), models);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the runtimes are found as on a board', () => {
    expect(results.arch).toBe('arm64');
    const ort = { version: '1.30.0', maxOpset: ORT_MAX_OPSET, providers: ['cpu'] };
    expect(results.runtimes).toMatchObject([
      { name: 'onnxruntime-device', ...ort },
      { name: 'onnxruntime', ...ort },
      { name: 'tflite', maxOpset: 3, providers: ['cpu'] },
    ]);
  });

  test.each([
    'onnxruntime on the calling thread',
    'onnxruntime on a thread of its own',
    'the device library on the calling thread',
    'the device library on a thread of its own',
  ] as const)('%s does what ONNX Runtime does on this machine', (name) => {
    const there = results.onnx[name];
    expect(there).toEqual({ ...here, network: expect.anything() });
    for (const [index, value] of here.network.entries()) {
      expect(there.network[index]).toBeCloseTo(value, 3);
    }
  });

  test('ONNX Runtime passes every element type through', () => {
    const types = Object.keys(ELEMENT_TYPES);
    expect(results.passed).toEqual([types, types]);
  });

  test('TFLite does what it does on this machine', async () => {
    const expected = await runTflite(tfliteRuntime(), models);
    expect(expected.sum).toEqual([1.5, -1.5, -6, 96]);
    expect(results.tflite).toEqual([expected, expected]);
  });
});
