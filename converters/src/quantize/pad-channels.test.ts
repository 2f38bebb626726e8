import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ortRuntime } from '@flotilla/model/node';
import { TARGETS } from '@flotilla/targets';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { readOnnxFile } from '../formats/onnx/file.ts';
import { writeOnnx } from '../formats/onnx/write.ts';
import { ints } from '../ir/attributes.ts';
import type { Model } from '../ir/graph.ts';
import { checkModel } from '../passes/pass.ts';
import { runModel } from '../testing/run-model.ts';
import { NetBuilder, randomInput } from '../testing/small-net.ts';
import { nodeSqnr } from '../verify/sqnr.ts';
import { type Int8Model, quantizeInt8 } from './int8.ts';
import { padChannels, thinConvolutions } from './pad-channels.ts';

const FORM = TARGETS['x86-64'].qdq;

interface Layers {
  readonly channels: number;
  /** Output channels of one convolution after the other. */
  readonly widths: readonly number[];
}

function convolutions({ channels, widths }: Layers): Model {
  const net = new NetBuilder(1, [2, channels, 40, 40]);
  let [value, taken] = ['input', channels];
  for (const width of widths) {
    value = net.relu(net.conv(value, taken, width, 3));
    taken = width;
  }
  return net.output(value);
}

function quantized(model: Model): Int8Model {
  const names = ['input', ...model.graph.nodes.flatMap(({ outputs }) => outputs)];
  return quantizeInt8(model, new Map(names.map((name) => [name, { min: -3, max: 3 }])), FORM);
}

const count = (model: Model, op: string): number =>
  model.graph.nodes.filter((node) => node.op === op).length;

/** How many the runtime computes in integers. */
async function fusedConvolutions(model: Model): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-fused-'));
  const file = join(folder, 'optimized.onnx');
  try {
    const session = await InferenceSession.create(writeOnnx(model), {
      optimizedModelFilePath: file,
      graphOptimizationLevel: 'extended',
    });
    await session.release();
    return count(await readOnnxFile(file), 'QLinearConv');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

describe('convolutions with other than a multiple of four channels', () => {
  test.each([
    ['an image', { channels: 3, widths: [8] }, 1],
    ['one channel', { channels: 1, widths: [4] }, 1],
    ['six channels, and others behind them', { channels: 6, widths: [6, 5, 8] }, 1],
    [
      'six channels behind others, where it costs more than it gains',
      { channels: 4, widths: [6, 8] },
      0,
    ],
  ])('give the same results to the bit with channels of zeros: %s', async (_, layers, pads) => {
    const { model: plain } = quantized(convolutions(layers));
    const { model: padded } = padChannels(quantized(convolutions(layers)));
    checkModel(padded);
    expect(count(padded, 'Pad')).toBe(pads);
    expect(count(padded, 'QuantizeLinear')).toBe(count(plain, 'QuantizeLinear'));
    expect(await fusedConvolutions(padded)).toBe(await fusedConvolutions(plain));
    const { feeds, outputs } = await runModel(plain, 3);
    expect((await runModel(padded, feeds)).outputs).toEqual(outputs);
  });

  test('are found, and grouped ones and those of four channels are none', () => {
    const net = new NetBuilder(1, [1, 3, 8, 8]);
    const thin = net.conv('input', 3, 4, 3);
    const whole = net.conv(thin, 4, 6, 3);
    const { graph } = net.output(net.conv(whole, 6, 6, 3, 6));
    const found = thinConvolutions(graph);
    expect(found).toEqual([graph.nodes.find(({ outputs }) => outputs[0] === thin)?.name]);
  });
});

test('what is not quantized stays as it is', () => {
  const model = convolutions({ channels: 3, widths: [8] });
  const before = model.graph.nodes.map(({ name }) => name);
  padChannels({ model, renamed: new Map() });
  expect(model.graph.nodes.map(({ name }) => name)).toEqual(before);
});

test('values that only the padded form is left of have no name to compare them by', () => {
  const { renamed, ...whole } = quantized(convolutions({ channels: 3, widths: [6, 8] }));
  const padded = padChannels({ renamed, ...whole });
  const made = new Set(padded.model.graph.nodes.flatMap(({ outputs }) => outputs));
  expect(padded.renamed.size).toBe(renamed.size - 1);
  expect([...padded.renamed.values()].every((name) => made.has(name))).toBe(true);
});

test('a variant with padded channels is compared with fp32 node by node, as any other', async () => {
  const net = new NetBuilder(1, [1, 16, 16, 3]);
  const image = net.node('Transpose', ['input'], { perm: ints([0, 3, 1, 2]) });
  const model = net.output(net.relu(net.conv(image, 3, 8, 3)));
  const padded = padChannels(quantized(model));
  expect(count(padded.model, 'Pad')).toBe(1);
  const samples = [randomInput([1, 16, 16, 3], 1)];
  const rows = await nodeSqnr(model, padded.model, padded.renamed, samples, ortRuntime());
  expect(rows.length).toBeGreaterThan(0);
  expect(rows.every(({ db }) => db > 20)).toBe(true);
});
