import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  capturedNames,
  createNamer,
  indexGraph,
  removeNodes,
  replaceUses,
  sortTopologically,
} from './edit.ts';
import { type Graph, makeGraph, makeNode, tensorInfo } from './graph.ts';
import { float32Tensor } from './tensor.ts';
import { graphFault } from './validate.ts';

/** x → a → b → y, and a node with two branches that capture `a` and hand `b` straight out. */
function graphWithBranch(): Graph {
  const graph = makeGraph('g', [tensorInfo('x', 'float32', [])], [tensorInfo('y', 'float32', [])]);
  const branch = makeGraph('branch', [], [tensorInfo('inner', 'float32', [])]);
  branch.nodes.push(makeNode('Neg', 'neg', ['a'], ['inner']));
  const plain = makeGraph('plain', [], [tensorInfo('b', 'float32', [])]);
  graph.initializers.set('c', float32Tensor([], [1]));
  graph.nodes.push(
    makeNode('Relu', 'first', ['x'], ['a']),
    makeNode('Add', 'second', ['a', 'c'], ['b']),
    makeNode(
      'If',
      'third',
      ['b'],
      ['y'],
      [
        ['then_branch', { kind: 'graph', value: branch }],
        ['else_branch', { kind: 'graph', value: plain }],
      ],
    ),
  );
  return graph;
}

describe('indexGraph', () => {
  it('counts what a subgraph captures as taken by its node', () => {
    const graph = graphWithBranch();
    const { producer, consumers, outputs } = indexGraph(graph);
    expect(producer.get('b')?.name).toBe('second');
    expect(consumers.get('a')?.map((node) => node.name)).toEqual(['second', 'third']);
    expect(consumers.get('b')?.map((node) => node.name)).toEqual(['third']);
    expect([...outputs]).toEqual(['y']);
  });
});

describe('replaceUses', () => {
  it('reaches into subgraphs, and to the values that they hand straight out', () => {
    const graph = graphWithBranch();
    replaceUses(graph, 'a', 'x');
    replaceUses(graph, 'b', 'c');
    expect(graph.nodes[1]!.inputs).toEqual(['x', 'c']);
    const branches = [...graph.nodes[2]!.attributes.values()];
    const captured = branches.map((each) => each.kind === 'graph' && capturedNames(each.value));
    expect(captured).toEqual([new Set(['x']), new Set(['c'])]);
    expect(graphFault(graph)).toBeUndefined();
  });

  it('leaves a name alone that a subgraph makes anew', () => {
    const graph = graphWithBranch();
    replaceUses(graph, 'inner', 'x');
    expect(graphFault(graph)).toBeUndefined();
  });
});

describe('createNamer', () => {
  it('makes many names of one base at once', () => {
    const { fresh } = createNamer(graphWithBranch());
    for (let i = 0; i < 50_000; i++) fresh('many');
    expect(fresh('many')).toBe('many_50000');
  });

  it('avoids names of values and nodes at any depth, and its own', () => {
    const { fresh } = createNamer(graphWithBranch());
    expect([fresh('inner'), fresh('neg'), fresh('new'), fresh('new')]).toEqual([
      'inner_1',
      'neg_1',
      'new',
      'new_1',
    ]);
  });
});

describe('sortTopologically', () => {
  it('restores an order in which everything is made before it is taken', () => {
    const property = fc.property(fc.array(fc.nat(), { minLength: 3, maxLength: 3 }), (keys) => {
      const graph = graphWithBranch();
      const order = graph.nodes.map((node, i) => [keys[i]!, node] as const);
      graph.nodes = order.sort(([a], [b]) => a - b).map(([, node]) => node);
      sortTopologically(graph);
      expect(graph.nodes.map((node) => node.name)).toEqual(['first', 'second', 'third']);
    });
    fc.assert(property, { seed: 7 });
  });

  it('leaves a valid order as it is', () => {
    const graph = makeGraph('g', [tensorInfo('x', 'float32', [])], []);
    const names = ['d', 'b', 'a', 'c'];
    graph.nodes = names.map((name) => makeNode('Relu', name, ['x'], [`${name}_out`]));
    sortTopologically(graph);
    expect(graph.nodes.map((node) => node.name)).toEqual(names);
  });

  it('does not stop at a cycle, which validation then names', () => {
    const graph = makeGraph('g', [], []);
    graph.nodes = [makeNode('Neg', 'p', ['b'], ['a']), makeNode('Neg', 'q', ['a'], ['b'])];
    sortTopologically(graph);
    expect(graphFault(graph)).toMatch(/takes "[ab]"/);
  });
});

describe('graphFault', () => {
  it.each<[string, (graph: Graph) => void, RegExp]>([
    [
      'a value nothing makes',
      (graph) => removeNodes(graph, new Set([graph.nodes[0]!])),
      /node "second" \(Add\) takes "a"/,
    ],
    [
      'a value that a subgraph captures',
      (graph) => replaceUses(graph, 'b', 'nowhere', [graph.nodes[2]!]),
      /"nowhere"/,
    ],
    [
      'a value made twice',
      (graph) => graph.nodes.splice(1, 0, makeNode('Neg', 'n', ['x'], ['a'])),
      /made already/,
    ],
    [
      'an output nothing makes',
      (graph) => removeNodes(graph, new Set([graph.nodes[2]!])),
      /output "y"/,
    ],
    [
      'an input that is a constant too',
      (graph) => graph.inputs.push(tensorInfo('c', 'float32', [])),
      /a constant too/,
    ],
    [
      'two nodes of one name',
      (graph) => {
        graph.nodes[1]!.name = 'first';
      },
      /named "first"/,
    ],
    ['nodes out of order', (graph) => graph.nodes.reverse(), /after it/],
  ])('names %s', (_, spoil, fault) => {
    const graph = graphWithBranch();
    expect(graphFault(graph)).toBeUndefined();
    spoil(graph);
    expect(graphFault(graph)).toMatch(fault);
  });
});
