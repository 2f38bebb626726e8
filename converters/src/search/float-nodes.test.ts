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
  withMoreFloat({ ...PLAIN, float }, { sensitivity, work }, count).map((scheme) => ({
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
  expect(withMoreFloat(PLAIN, { sensitivity: [], work }, 3)).toEqual([]);
});
