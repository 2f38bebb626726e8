import { describe, expect, it } from 'vitest';
import { cloneModel } from '../ir/graph.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { smallNet } from '../testing/small-net.ts';
import { cutModel } from './cut.ts';

/** The output of the n-th node of this operator. */
function outputOf(op: string, n = 0): string {
  return smallNet(1).graph.nodes.filter((node) => node.op === op)[n]!.outputs[0]!;
}

describe('a model cut in two', () => {
  it('gives in two steps what it gave in one', async () => {
    const whole = smallNet(1);
    const value = outputOf('Concat');
    const [head, tail] = [cloneModel(whole), cloneModel(whole)];
    cutModel(head, { outputs: [value] });
    cutModel(tail, { inputs: [value] });
    expect(head.graph.nodes.length + tail.graph.nodes.length).toBe(whole.graph.nodes.length);
    expect(tail.graph.inputs).toMatchObject([
      { name: value, type: { dtype: 'float32', shape: [1, 16, 16, 16] } },
    ]);
    const expected = await runModel(whole, 7);
    const between = await runModel(head, expected.feeds);
    const { outputs } = await runModel(tail, between.outputs);
    expect(relativeError(expected.outputs, outputs)).toBeLessThan(1e-6);
  });

  it('keeps inputs that are still needed, and gives outputs in the order asked for', async () => {
    const model = smallNet(1);
    const inputs = [outputOf('Clip')];
    const outputs = [outputOf('MaxPool'), outputOf('Add')];
    cutModel(model, { inputs, outputs });
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(['input', ...inputs]);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(outputs);
    expect([...model.graph.initializers.keys()].length).toBeLessThan(
      smallNet(1).graph.initializers.size,
    );
  });
});

describe('a cut is refused', () => {
  it.each([
    ['at a value that is not there', { inputs: ['relu_99'] }, /"relu_99".*close: "relu_/],
    [
      'at an input that no output depends on',
      { inputs: [outputOf('Softmax')], outputs: [outputOf('Add')] },
      /depends/,
    ],
    [
      'at a value that is both',
      { inputs: [outputOf('Add')], outputs: [outputOf('Add')] },
      /input and an output/,
    ],
    ['at an output that is an input', { outputs: ['input'] }, /no node makes it/],
  ])('%s', (_, points, reason) => {
    expect(() => cutModel(smallNet(1), points)).toThrow(reason);
  });
});
