import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { inspect, readModel, runPasses, toFloat16, writeModel } from '@flotilla/converters';
import type { Tensors } from '@flotilla/model';
import { ortRuntime } from '@flotilla/model/node';
import { beforeAll, describe, expect, it } from 'vitest';
import { feedsFor, relativeError } from './feeds.ts';

const models = process.env.FLOTILLA_MODELS ?? '';

interface Entry {
  readonly path: string;
  readonly opset?: Readonly<Record<string, number>>;
  readonly params_in_initialisers?: number;
  readonly ops?: Readonly<Record<string, number>>;
}

const manifest = JSON.parse(readFileSync(join(models, 'MANIFEST.json'), 'utf8')) as {
  readonly entries: readonly Entry[];
};

const files = ['onnx', 'derived'].flatMap((folder) =>
  readdirSync(join(models, folder))
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(folder, name)),
);

/** Largest error of float16 relative to the largest output, over up to 1.5 million numbers. */
const HALF_ERROR = 0.02;

/** A recurrent state drifts further. */
const HALF_TOLERANCE: Readonly<Record<string, number>> = { 'silero_vad_16k_op15.onnx': 0.05 };

async function run(bytes: Uint8Array, model: string): Promise<Tensors> {
  const session = await ortRuntime().load(bytes);
  try {
    return await session.run(feedsFor(model, session.inputs));
  } finally {
    await session.dispose();
  }
}

describe.each(files)('%s', (path) => {
  const file = join(models, path);
  const name = basename(path);
  let expected: Tensors;
  beforeAll(async () => {
    expected = await run(readFileSync(file), name);
  });

  it('is written as it was read: same bytes every time, same results', async () => {
    const bytes = writeModel(await readModel(file));
    expect(writeModel(await readModel(file))).toEqual(bytes);
    expect(relativeError(expected, await run(bytes, name))).toBe(0);
  });

  it('gives the same results after all passes', async () => {
    const model = await readModel(file);
    const before = model.graph.nodes.length;
    const reports = await runPasses(model);
    expect(reports.length).toBeGreaterThan(0);
    expect(model.graph.nodes.length).toBeLessThanOrEqual(before + 2);
    expect(relativeError(expected, await run(writeModel(model), name))).toBeLessThan(1e-5);
  });

  it('gives nearly the same results in float16, in half the bytes', async () => {
    const model = await readModel(file);
    await runPasses(model);
    const { model: half } = toFloat16(model);
    const bytes = writeModel(half);
    const error = relativeError(expected, await run(bytes, name));
    expect(error).toBeLessThan(HALF_TOLERANCE[name] ?? HALF_ERROR);
    const floats = name.includes('fp16') ? 1.01 : 0.6;
    expect(bytes.length).toBeLessThan(writeModel(model).length * floats);
  });

  it('is described as its manifest has it', async () => {
    const entry = manifest.entries.find((each) => each.path === path);
    const { opset, parameters, ops } = await inspect(file);
    expect(opset).toBe(entry?.opset?.['ai.onnx']);
    expect(parameters).toBe(entry?.params_in_initialisers);
    expect(ops).toEqual(entry?.ops);
  });
});
