import { describe, expect, it } from 'vitest';
import { int, ints, string, tensor } from '../ir/attributes.ts';
import type { DataType } from '../ir/dtype.ts';
import {
  type Attribute,
  type Dim,
  type Graph,
  makeGraph,
  makeNode,
  tensorInfo,
} from '../ir/graph.ts';
import {
  float32Tensor,
  fromNumbers,
  int64Tensor,
  makeTensor,
  type TensorValue,
} from '../ir/tensor.ts';
import { inferFacts } from './facts.ts';

const list = (...values: number[]) => int64Tensor([values.length], values);

describe('what a graph computes of sizes', () => {
  it('is followed through Shape, Gather, arithmetic and Concat into Reshape', () => {
    const graph = makeGraph('g', [tensorInfo('x', 'float32', ['n', 't', 64])], []);
    const add = (
      op: string,
      inputs: string[],
      output: string,
      attributes: Record<string, Attribute> = {},
    ) => graph.nodes.push(makeNode(op, output, inputs, [output], Object.entries(attributes)));
    for (const [name, value] of [
      ['zero', 0],
      ['one', 1],
      ['two', 2],
    ] as const) {
      graph.initializers.set(name, int64Tensor([], [value]));
    }
    graph.initializers.set('first', list(0));
    graph.initializers.set('rest', list(-1));
    add('Shape', ['x'], 'shape');
    add('Gather', ['shape', 'zero'], 'n');
    add('Gather', ['shape', 'one'], 't');
    add('Mul', ['n', 'two'], 'twice');
    add('Unsqueeze', ['twice', 'first'], 'a');
    add('Unsqueeze', ['t', 'first'], 'b');
    add('Concat', ['a', 'b', 'rest'], 'wanted', { axis: int(0) });
    add('Reshape', ['x', 'wanted'], 'y');
    const facts = inferFacts(graph, { declared: false }).get(graph)!;
    expect(facts.get('wanted')?.elements).toEqual(['2*n', 't', -1]);
    expect(facts.get('y')?.shape).toEqual(['2*n', 't', 32]);
  });

  it('tells sizes from −1, as exporters of Expand ask', () => {
    const graph = makeGraph('g', [tensorInfo('x', 'float32', ['n', 4])], []);
    graph.initializers.set('minus', list(-1, -1));
    graph.initializers.set('ones', list(1, 1));
    graph.nodes.push(
      makeNode('Shape', 's', ['x'], ['shape']),
      makeNode('Equal', 'e', ['shape', 'minus'], ['open']),
      makeNode('Where', 'w', ['open', 'ones', 'shape'], ['wanted']),
    );
    const facts = inferFacts(graph, { declared: false }).get(graph)!;
    expect(facts.get('wanted')?.elements).toEqual(['n', 4]);
  });
});

describe('elements', () => {
  it.each<[DataType, number, number | null]>([
    ['int32', 2 ** 31 - 1, 2 ** 31 - 1],
    ['int32', 2 ** 31, null],
    ['int32', -(2 ** 31), -(2 ** 31)],
    ['uint8', 256, null],
    ['int64', 2 ** 31, 2 ** 31],
  ])('a sum in %s that is %d is %s', (dtype, sum, expected) => {
    const graph = makeGraph('g', [], []);
    graph.initializers.set('a', fromNumbers(dtype, [1], [sum - Math.sign(sum)]));
    graph.initializers.set('b', fromNumbers(dtype, [1], [Math.sign(sum)]));
    graph.nodes.push(makeNode('Add', 'add', ['a', 'b'], ['c']));
    const facts = inferFacts(graph, { declared: false }).get(graph);
    expect(facts?.get('c')?.elements).toEqual([expected]);
  });

  it('of a Cast to a word that is no type have none', () => {
    const graph = makeGraph('g', [tensorInfo('x', 'float32', [2])], []);
    for (const word of ['constructor', 'INT8', 'FLOAT']) {
      graph.nodes.push(makeNode('Cast', word, ['x'], [word], [['to', string(word)]]));
    }
    const facts = inferFacts(graph, { declared: false }).get(graph);
    const types = graph.nodes.map(({ name }) => facts?.get(name)?.dtype);
    expect(types).toEqual([undefined, 'int8', 'float32']);
  });
});

describe('bodies', () => {
  const scalar = (name: string, dtype: DataType) => tensorInfo(name, dtype, []);

  /** A loop over `x`, which each turn changes by this node. */
  function loop(change: (body: Graph) => void): Graph {
    const graph = makeGraph('g', [tensorInfo('x', 'float32', ['n', 4]), scalar('m', 'int64')], []);
    const body = makeGraph(
      'body',
      [scalar('i', 'int64'), scalar('go', 'bool'), tensorInfo('a', 'float32')],
      [scalar('on', 'bool'), tensorInfo('b', 'float32'), tensorInfo('scan', 'float32')],
    );
    body.nodes.push(makeNode('Identity', 'same', ['go'], ['on']));
    change(body);
    body.nodes.push(makeNode('ReduceSum', 'sum', ['b'], ['scan'], [['keepdims', int(0)]]));
    const attributes = [['body', { kind: 'graph', value: body }]] as const;
    graph.nodes.push(makeNode('Loop', 'loop', ['m', '', 'x'], ['y', 'all'], attributes));
    return graph;
  }

  it('of a Loop keep a shape that no turn changes', () => {
    const graph = loop((body) => body.nodes.push(makeNode('Relu', 'relu', ['a'], ['b'])));
    const facts = inferFacts(graph, { declared: false }).get(graph)!;
    expect(facts.get('y')).toMatchObject({ dtype: 'float32', shape: ['n', 4] });
    expect(facts.get('all')).toMatchObject({ dtype: 'float32', shape: [null] });
  });

  it('of a Loop forget a size that a turn changes', () => {
    const graph = loop((body) =>
      body.nodes.push(makeNode('Concat', 'grow', ['a', 'a'], ['b'], [['axis', int(0)]])),
    );
    const facts = inferFacts(graph, { declared: false }).get(graph)!;
    expect(facts.get('y')?.shape).toEqual([null, 4]);
  });

  it('of a Scan take slices and give them back stacked', () => {
    const graph = makeGraph(
      'g',
      [tensorInfo('s', 'float32', [4]), tensorInfo('x', 'float32', ['n', 't', 4])],
      [],
    );
    const body = makeGraph(
      'body',
      [tensorInfo('a', 'float32'), tensorInfo('b', 'float32')],
      [tensorInfo('c', 'float32'), tensorInfo('d', 'float32')],
    );
    body.nodes.push(
      makeNode('Identity', 'keep', ['a'], ['c']),
      makeNode('Add', 'add', ['a', 'b'], ['d']),
    );
    const attributes = {
      body: { kind: 'graph', value: body },
      num_scan_inputs: int(1),
      scan_input_axes: ints([1]),
    } as const;
    graph.nodes.push(makeNode('Scan', 'scan', ['s', 'x'], ['y', 'z'], Object.entries(attributes)));
    const scopes = inferFacts(graph, { declared: false });
    expect(scopes.get(body)?.get('b')?.shape).toEqual(['n', 4]);
    expect(scopes.get(graph)?.get('y')?.shape).toEqual([4]);
    expect(scopes.get(graph)?.get('z')?.shape).toEqual(['t', 'n', 4]);
  });

  it('of an If agree on what both branches give, or that of the branch that is taken', () => {
    const branch = (name: string, value: TensorValue) => {
      const graph = makeGraph(name, [], [tensorInfo(name, 'float32')]);
      graph.nodes.push(makeNode('Constant', `${name}_c`, [], [name], [['value', tensor(value)]]));
      return { kind: 'graph', value: graph } as const;
    };
    const graph = makeGraph('g', [scalar('c', 'bool')], []);
    const attributes = Object.entries({
      then_branch: branch('a', float32Tensor([2, 3], [1, 2, 3, 4, 5, 6])),
      else_branch: branch('b', float32Tensor([2, 1], [1, 2])),
    });
    graph.initializers.set('no', makeTensor('bool', [], Uint8Array.of(0)));
    graph.nodes.push(
      makeNode('If', 'open', ['c'], ['y'], attributes),
      makeNode('If', 'settled', ['no'], ['z'], attributes),
    );
    const facts = inferFacts(graph, { declared: false }).get(graph)!;
    expect(facts.get('y')?.shape).toEqual([2, null]);
    expect(facts.get('z')?.shape).toEqual([2, 1]);
  });

  it('within bodies within bodies take no longer for it', () => {
    let inner = makeGraph('inner', [], [tensorInfo('b', 'float32')]);
    inner.nodes.push(makeNode('Concat', 'c', ['a', 'a'], ['b'], [['axis', int(0)]]));
    for (let depth = 0; depth < 40; depth++) {
      const body = makeGraph(
        'body',
        [scalar(`i${depth}`, 'int64'), scalar(`g${depth}`, 'bool'), tensorInfo('a', 'float32')],
        [scalar(`g${depth}`, 'bool'), tensorInfo('b', 'float32')],
      );
      body.nodes = inner.nodes;
      inner = makeGraph('inner', [], [tensorInfo('b', 'float32')]);
      const attributes = [['body', { kind: 'graph', value: body }]] as const;
      inner.nodes.push(makeNode('Loop', `loop${depth}`, ['', '', 'a'], ['b'], attributes));
    }
    inner.inputs = [tensorInfo('a', 'float32', [2])];
    const before = performance.now();
    inferFacts(inner, { declared: false });
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

describe('what a file says of its values', () => {
  function graphOf(declared: readonly Dim[]): Graph {
    const graph = makeGraph('g', [tensorInfo('x', 'float32', ['n', 4])], []);
    graph.nodes.push(
      makeNode('Special', 'special', ['x'], ['y'], [], 'example.org'),
      makeNode('Relu', 'relu', ['x'], ['z']),
    );
    graph.valueInfo.set('y', tensorInfo('y', 'float32', declared));
    graph.valueInfo.set('z', tensorInfo('z', 'int8', [9]));
    return graph;
  }

  it('fills in what no rule gives, where it is asked for', () => {
    const graph = graphOf(['n', 8]);
    const trusting = inferFacts(graph, { declared: true }).get(graph)!;
    expect(trusting.get('y')).toMatchObject({ dtype: 'float32', shape: ['n', 8] });
    expect(trusting.get('z')).toMatchObject({ dtype: 'float32', shape: ['n', 4] });
    expect(inferFacts(graph, { declared: false }).get(graph)!.get('y')?.shape).toBeUndefined();
  });

  it('counts for nothing where a name of a size is none', () => {
    const graph = graphOf(['?', '-1']);
    const facts = inferFacts(graph, { declared: true }).get(graph)!;
    expect(facts.get('y')?.shape).toEqual([null, null]);
  });
});
