import { describe, expect, it } from 'vitest';
import { type Graph, type Model, makeGraph, makeNode, tensorInfo } from '../ir/graph.ts';
import { float32Tensor, int64Tensor, makeTensor } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { branchInlining } from './branch-inlining.ts';
import { runPassList } from './pass.ts';

const opsOf = ({ graph }: Model) => graph.nodes.map((node) => node.op);

async function inline(model: Model): Promise<number> {
  const [report] = await runPassList(model, [branchInlining], { opset: 13 });
  return report!.changed;
}

async function expectSameResults(model: Model, change: () => Promise<unknown>): Promise<void> {
  const before = await runModel(model, 3);
  await change();
  const after = await runModel(model, before.feeds);
  expect(relativeError(before.outputs, after.outputs)).toBe(0);
}

function condition(net: NetBuilder, value: boolean): string {
  const name = `condition_${net.model.graph.initializers.size}`;
  net.model.graph.initializers.set(name, makeTensor('bool', [], Uint8Array.of(value ? 1 : 0)));
  return name;
}

/** A branch that adds a number of its own to the outer value; all branches use the same names inside. */
function branch(
  outer: string,
  value: number,
  more: (graph: Graph) => void = () => {},
  made = 'sum',
) {
  const graph = makeGraph('branch', [], [tensorInfo(made, 'float32', [2])]);
  graph.initializers.set(`${made}_number`, float32Tensor([1], [value]));
  graph.nodes.push(makeNode('Add', `${made}_add`, [outer, `${made}_number`], [made]));
  more(graph);
  return { kind: 'graph', value: graph } as const;
}

describe('an If whose condition is known', () => {
  it('gives way to its branch, also where several use one name', async () => {
    const net = new NetBuilder(1, [2]);
    const first = net.node('If', [condition(net, true)], {
      then_branch: branch('input', 1),
      else_branch: branch('input', 2),
    });
    const second = net.node('If', [condition(net, false)], {
      then_branch: branch(first, 4),
      else_branch: branch(first, 8),
    });
    const model = net.output(second);
    await expectSameResults(model, () => inline(model));
    expect(opsOf(model)).toEqual(['Add', 'Add']);
  });

  it('is found within a branch', async () => {
    const net = new NetBuilder(1, [2]);
    const inner = (value: number) =>
      branch('input', value, (graph) => {
        const yes = makeTensor('bool', [], Uint8Array.of(1));
        graph.initializers.set('yes', yes);
        const deeper = (added: number) => branch('sum', added, undefined, 'deeper');
        const attributes = { then_branch: deeper(1), else_branch: deeper(2) };
        graph.nodes.push(makeNode('If', 'if', ['yes'], ['chosen'], Object.entries(attributes)));
        graph.outputs = [tensorInfo('chosen', 'float32', [2])];
      });
    const positive = net.node('Greater', [
      net.node('ReduceSum', ['input']),
      net.constant([1], [0]),
    ]);
    const model = net.output(
      net.node('If', [positive], { then_branch: inner(1), else_branch: inner(2) }),
    );
    await expectSameResults(model, () => inline(model));
    const [taken] = [...model.graph.nodes.at(-1)!.attributes.values()];
    const ops = taken?.kind === 'graph' ? taken.value.nodes.map((node) => node.op) : [];
    expect(ops).toEqual(['Add', 'Add']);
  });

  it('hands on what its branch takes from outside, or gives twice', async () => {
    const net = new NetBuilder(1, [2]);
    const twice = branch('input', 1, (graph) => {
      graph.outputs = ['input', 'sum', 'sum'].map((name) => tensorInfo(name, 'float32', [2]));
    });
    const attributes = { then_branch: twice, else_branch: twice };
    net.model.graph.nodes.push(
      makeNode('If', 'if', [condition(net, true)], ['a', 'b', 'c'], Object.entries(attributes)),
    );
    const names = ['a', 'b', 'c'];
    for (const name of names) net.output(name);
    await inline(net.model);
    expect(opsOf(net.model)).toEqual(['Add', 'Identity', 'Identity']);
    const { feeds, outputs } = await runModel(net.model, 3);
    expect(outputs.a?.data).toEqual(feeds.input?.data);
    expect(outputs.b?.data).toEqual(outputs.c?.data);
  });

  it('stays where the condition is computed', async () => {
    const net = new NetBuilder(1, [2]);
    const positive = net.node('Greater', [
      net.node('ReduceSum', ['input']),
      net.constant([1], [0]),
    ]);
    const branches = { then_branch: branch('input', 1), else_branch: branch('input', 2) };
    expect(await inline(net.output(net.node('If', [positive], branches)))).toBe(0);
  });
});

describe('a Loop whose turns are known', () => {
  function loop(turns: number): Model {
    const net = new NetBuilder(1, [2]);
    const body = makeGraph(
      'body',
      [tensorInfo('i', 'int64', []), tensorInfo('go', 'bool', []), tensorInfo('x', 'float32', [2])],
      [tensorInfo('go_on', 'bool', []), tensorInfo('y', 'float32', [2])],
    );
    body.nodes.push(
      makeNode('Identity', 'same', ['go'], ['go_on']),
      makeNode('Neg', 'neg', ['x'], ['y']),
    );
    net.model.graph.initializers.set('turns', int64Tensor([], [turns]));
    return net.output(
      net.node('Loop', ['turns', '', 'input'], { body: { kind: 'graph', value: body } }),
    );
  }

  it.each([
    [0, ['Identity']],
    [1, ['Identity', 'Neg']],
    [2, ['Loop']],
  ])('%d times', async (turns, ops) => {
    const model = loop(turns);
    await expectSameResults(model, () => inline(model));
    expect(opsOf(model)).toEqual(ops);
  });
});
