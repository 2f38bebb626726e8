import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { serialize } from 'node:v8';
import { ELEMENT_TYPES, type ElementType } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reluModel, tinyModel } from '../../model/src/testing/tiny-onnx.ts';
import { arm64, bundleInto } from '../support/arm64.ts';
import { type EssentialModels, type Essentials, runEssentials } from './essentials.ts';

const PARTS = 'examples/parts-inspection/versions/1/model.onnx';
/** By the name of the runtime, and what processor the program ran on. */
type Results = { readonly arch: string } & Readonly<Record<string, Essentials | undefined>>;

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

  beforeAll(async () => {
    if (machine === undefined) return;
    folder = await machine.folder();
    models = await makeModels();
    await writeFile(join(folder, 'models'), serialize(models));
    await bundleInto(folder, new Map([['runtimes', 'test/arm64/runtimes-main.ts']]));
    const program = [join(folder, 'runtimes.js'), join(folder, 'models')];
    const { stdout } = await promisify(execFile)(machine.node, program, { maxBuffer: 1 << 24 });
    results = JSON.parse(stdout);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('the program runs as on a board', () => {
    expect(results.arch).toBe('arm64');
  });

  test.each(['on the calling thread', 'on a thread of its own'])(
    'ONNX Runtime %s does what it does on this machine',
    async (name) => {
      const here = await runEssentials(ortRuntime(), models);
      const there = results[name];
      expect(there).toEqual({ ...here, network: expect.anything() });
      for (const [index, value] of here.network.entries()) {
        expect(there?.network[index]).toBeCloseTo(value, 3);
      }
    },
  );
});
