import { describe, expect, it } from 'vitest';
import { int } from '../ir/attributes.ts';
import { type Model, makeGraph, makeNode, tensorInfo } from '../ir/graph.ts';
import { printModel } from '../ir/print.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { FIXTURES } from './fixtures/index.ts';
import { runPasses } from './index.ts';

/** Two relus between identities; the last identity makes the output. */
function chain(): Model {
  const net = new NetBuilder(1, [2, 3]);
  const first = net.node('Identity', [net.relu('input')]);
  return net.output(net.node('Identity', [net.relu(net.node('Dropout', [first]))]));
}

async function opsAfter(model: Model, keep: readonly string[]): Promise<string[]> {
  await runPasses(model, { keep: new Set(keep) });
  return model.graph.nodes.map((node) => node.op);
}

describe('what is to be kept', () => {
  it('stays as it is where it is a node, and the rest goes', async () => {
    const model = chain();
    const kept = model.graph.nodes.find((node) => node.op === 'Dropout')!;
    expect(await opsAfter(model, [kept.name])).toEqual(['Relu', 'Dropout', 'Relu']);
    expect(model.graph.nodes[1]).toMatchObject({ domain: '', name: kept.name });
    expect(model.graph.outputs).toHaveLength(1);
  });

  it('keeps its name where it is a value', async () => {
    const model = chain();
    const value = model.graph.nodes[1]!.outputs[0]!;
    expect(await opsAfter(model, [value])).toEqual(['Relu', 'Relu']);
    expect(model.graph.nodes[0]?.outputs).toEqual([value]);
  });

  it('stays though nothing needs it', async () => {
    const net = new NetBuilder(1, [2, 3]);
    const unused = net.node('Identity', [net.relu('input')]);
    const weight = net.constant([1], [1]);
    const model = net.output(net.relu('input'));
    const name = model.graph.nodes.find((node) => node.outputs[0] === unused)!.name;
    expect(await opsAfter(model, [name, weight])).toContain('Identity');
    expect(model.graph.initializers.has(weight)).toBe(true);
  });

  it('stays within a branch, with the node around it', async () => {
    const model = FIXTURES.branches!();
    await runPasses(model, { keep: new Set(['yes_identity']) });
    expect(printModel(model)).toContain('Identity');
  });

  it('must be there', async () => {
    await expect(opsAfter(chain(), ['relu'])).rejects.toMatchObject({
      code: 'pass.keep-unknown',
      message: expect.stringContaining('relu_'),
    });
  });
});

describe('the passes chosen', () => {
  it('run alone with those that every model needs, or are left out', async () => {
    const reports = await runPasses(chain(), { passes: ['dead-code', 'identity-removal'] });
    expect(reports.map(({ pass }) => pass)).toEqual([
      'opset-upgrade',
      'identity-removal',
      'dead-code',
    ]);
    const rest = await runPasses(chain(), { passes: ['-dead-code'] });
    expect(rest.map(({ pass }) => pass)).not.toContain('dead-code');
  });

  it('are known', async () => {
    await expect(runPasses(chain(), { passes: ['magic'] })).rejects.toMatchObject({
      code: 'pass.unknown',
      message: expect.stringContaining('dead-code'),
    });
  });
});

it('a branch keeps its outputs in order once the shield is lifted', async () => {
  const net = new NetBuilder(1, [2]);
  const branch = (name: string) => {
    const graph = makeGraph(name, [], [tensorInfo(`${name}_out`, 'float32')]);
    graph.nodes.push(
      makeNode('Relu', `${name}_a`, ['input'], [`${name}_x`]),
      makeNode('Neg', `${name}_b`, [`${name}_x`], [`${name}_out`]),
    );
    return { kind: 'graph', value: graph } as const;
  };
  const some = net.node('ReduceMax', ['input'], { keepdims: int(0) });
  const condition = net.node('Greater', [some, net.constant([], [0])]);
  const branches = { then_branch: branch('yes'), else_branch: branch('no') };
  const model = net.output(net.node('If', [condition], branches));
  await runPasses(model, { keep: new Set(['yes_x']) });
  expect(printModel(model)).toContain('yes_out');
  expect(branches.then_branch.value.outputs.map(({ name }) => name)).toEqual(['yes_out']);
});
