import { TARGETS } from '@flotilla/targets';
import { describe, expect, test } from 'vitest';
import type { Model } from '../ir/graph.ts';
import { checkModel } from '../passes/pass.ts';
import { runModel } from '../testing/run-model.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { quantizeInt8 } from './int8.ts';
import { padChannels, thinConvolutions } from './pad-channels.ts';

const FORM = TARGETS['x86-64'].qdq;

interface Layers {
  readonly channels: number;
  /** Output channels of one convolution after the other. */
  readonly widths: readonly number[];
}

function convolutions({ channels, widths }: Layers): Model {
  const net = new NetBuilder(1, [2, channels, 12, 12]);
  let [value, taken] = ['input', channels];
  for (const width of widths) {
    value = net.relu(net.conv(value, taken, width, 3));
    taken = width;
  }
  return net.output(value);
}

function quantized(model: Model): Model {
  const names = ['input', ...model.graph.nodes.flatMap(({ outputs }) => outputs)];
  return quantizeInt8(model, new Map(names.map((name) => [name, { min: -3, max: 3 }])), FORM).model;
}

const count = (model: Model, op: string): number =>
  model.graph.nodes.filter((node) => node.op === op).length;

describe('convolutions with other than a multiple of four channels', () => {
  test.each([
    ['an image', { channels: 3, widths: [8] }, 1],
    ['one channel', { channels: 1, widths: [4] }, 1],
    ['six channels behind others', { channels: 4, widths: [6, 5, 8] }, 2],
  ])('give the same results to the bit with channels of zeros: %s', async (_, layers, pads) => {
    const plain = quantized(convolutions(layers));
    const padded = quantized(convolutions(layers));
    padChannels(padded);
    checkModel(padded);
    expect(count(padded, 'Pad')).toBe(pads);
    expect(count(padded, 'QuantizeLinear')).toBe(count(plain, 'QuantizeLinear'));
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
  padChannels(model);
  expect(model.graph.nodes.map(({ name }) => name)).toEqual(before);
});
