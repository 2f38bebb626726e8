import { expect, test } from 'vitest';
import type { Work } from '../verify/work.ts';
import { withMoreFloat } from './float-nodes.ts';
import { PLAIN } from './testing.ts';

const NODES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const work: Work = {
  nodes: NODES.map((node) => ({ node, kind: 'conv', operations: 100 })),
  activationBytes: 1,
};
const sensitivity = NODES.map((node, i) => ({
  node,
  op: 'Conv',
  kl: 0,
  db: 20,
  divergence: 1 / (1 + i),
}));
const floatsOf = (float: readonly string[], count: number) =>
  withMoreFloat({ ...PLAIN, float }, { sensitivity, work, thin: ['b'] }, count).map((scheme) => ({
    precision: scheme.precision,
    float: scheme.float.join(''),
  }));

test('what does not stand gives way to twice as many nodes in float, the most harmful first', () => {
  expect(floatsOf(['c'], 3)).toEqual([
    { precision: 'mixed', float: 'ca' },
    { precision: 'mixed', float: 'cabd' },
  ]);
});

test('one product at least stays in integers, and without measured harm nothing is tried', () => {
  expect(floatsOf(['a', 'b', 'c', 'd', 'e', 'f', 'g'], 3)).toEqual([]);
  expect(withMoreFloat(PLAIN, { sensitivity: [], work, thin: [] }, 3)).toEqual([]);
});

test('channels are padded as long as a convolution is left that needs it', () => {
  const padded = { ...PLAIN, form: { ...PLAIN.form, padChannels: true } };
  const schemes = withMoreFloat({ ...padded, float: ['c'] }, { sensitivity, work, thin: ['b'] }, 3);
  expect(schemes.map(({ form }) => form.padChannels)).toEqual([true, false]);
});
