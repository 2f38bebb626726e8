import { expect, test } from 'vitest';
import { smallNet } from '../testing/small-net.ts';
import { checkFloatNames } from './float-names.ts';

test('names of nodes that are not there are refused, with those close to them', () => {
  const { graph } = smallNet(1);
  const [first] = graph.nodes;
  const name = first?.name ?? '';
  expect(() => checkFloatNames(graph, [name])).not.toThrow();
  expect(() => checkFloatNames(graph, [name, `${name}x`])).toThrow(
    expect.objectContaining({
      code: 'quantize.float-unknown',
      message: expect.stringContaining(name),
    }),
  );
});
