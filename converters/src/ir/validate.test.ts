import { describe, expect, it } from 'vitest';
import { type Graph, makeGraph, makeNode, type Node, tensorInfo } from './graph.ts';
import { float32Tensor } from './tensor.ts';
import { graphFault } from './validate.ts';

function graphOf(...nodes: Node[]): Graph {
  const graph = makeGraph('g', [tensorInfo('x', 'float32')], [tensorInfo('y', 'float32')]);
  graph.nodes.push(...nodes);
  return graph;
}

const relu = (name: string, from: string, to: string) => makeNode('Relu', name, [from], [to]);

function within(inner: Graph): Graph {
  return graphOf(
    makeNode('If', 'if', ['x'], ['y'], [['then_branch', { kind: 'graph', value: inner }]]),
  );
}

describe('a graph is at fault', () => {
  it.each<[string, Graph, RegExp]>([
    [
      'with a dangling input',
      graphOf(relu('a', 'w', 'y')),
      /node "a" \(Relu\) takes "w", which nothing makes$/,
    ],
    [
      'with a circle',
      graphOf(relu('a', 'q', 'p'), relu('b', 'p', 'q'), relu('c', 'q', 'y')),
      /node "a" \(Relu\) takes "q", which node "b" \(Relu\) makes, which waits for it in turn/,
    ],
    ['with a node that takes what it makes', graphOf(relu('a', 'y', 'y')), /"a".*waits for it/],
    [
      'out of order',
      graphOf(relu('a', 'p', 'y'), relu('b', 'x', 'p')),
      /"b" \(Relu\) makes, after it/,
    ],
    [
      'that makes a value twice',
      graphOf(relu('a', 'x', 'y'), relu('b', 'x', 'y')),
      /"b" .* is made already/,
    ],
    ['that makes its input', graphOf(relu('a', 'x', 'x')), /"x", which is made already/],
    [
      'with two nodes of one name',
      graphOf(relu('a', 'x', 'p'), relu('a', 'x', 'y')),
      /two nodes are named "a"/,
    ],
    ['with an output of nowhere', graphOf(relu('a', 'x', 'p')), /nothing makes the output "y"/],
    [
      'with a fault in a branch',
      within(graphOf(relu('b', 'w', 'y'))),
      /in a graph of node "if" \(If\), node "b" \(Relu\) takes "w"/,
    ],
  ])('%s', (_, graph, fault) => {
    expect(graphFault(graph)).toMatch(fault);
  });

  it('with an input twice', () => {
    const graph = graphOf(relu('a', 'x', 'y'));
    graph.inputs.push(tensorInfo('x', 'float32'));
    expect(graphFault(graph)).toMatch(/"x" is an input twice/);
  });
});

describe('a graph is in order', () => {
  it('where a branch hands out, shadows and takes outer values, or has a default for an input', () => {
    const inner = makeGraph('b', [], [tensorInfo('x', 'float32')]);
    expect(graphFault(within(inner))).toBeUndefined();
    inner.nodes.push(relu('b', 'x', 'y'));
    expect(graphFault(within(inner))).toBeUndefined();
    inner.inputs.push(tensorInfo('k', 'float32'));
    inner.initializers.set('k', float32Tensor([], [1]));
    expect(graphFault(within(inner))).toBeUndefined();
  });

  it('where inputs are left out', () => {
    expect(graphFault(graphOf(makeNode('Clip', 'a', ['x', '', ''], ['y', ''])))).toBeUndefined();
  });
});
