import { expect, it } from 'vitest';
import { type Model, tensorInfo } from '../ir/graph.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { bindConstants } from './bind-constants.ts';

const factor = { type: 'FP32', shape: [1], data: Float32Array.of(3) } as const;

function scaled(): Model {
  const net = new NetBuilder(1, [2]);
  net.model.graph.inputs.push(tensorInfo('factor', 'float32', [1]));
  return net.output(net.node('Mul', ['input', 'factor']));
}

it('makes an input a constant, and changes no result', async () => {
  const model = scaled();
  const input = { type: 'FP32', shape: [2], data: Float32Array.of(1, 2) } as const;
  const before = await runModel(model, { input, factor });
  bindConstants(model, { factor });
  expect(model.graph.inputs.map((info) => info.name)).toEqual(['input']);
  const after = await runModel(model, { input });
  expect(relativeError(before.outputs, after.outputs)).toBe(0);
});

it.each([
  ['no such input', { rate: factor }, /"rate".*no input has that name/],
  ['another type', { factor: { ...factor, type: 'INT32', data: Int32Array.of(3) } }, /float32/],
  [
    'another shape',
    { factor: { ...factor, shape: [] } },
    /its shape is \[1\], that of the value \[\]/,
  ],
] as const)('refuses %s', (_, values, message) => {
  expect(() => bindConstants(scaled(), values)).toThrow(
    expect.objectContaining({ code: 'shape.unfit', message: expect.stringMatching(message) }),
  );
});
