import { describe, expect, it } from 'vitest';
import { int, ints } from '../ir/attributes.ts';
import { type Model, makeNode, tensorInfo } from '../ir/graph.ts';
import { fromNumbers } from '../ir/tensor.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { deadCode } from './dead-code.ts';
import { dropoutRemoval } from './dropout-removal.ts';
import { identityRemoval } from './identity-removal.ts';
import { type Pass, runPassList } from './pass.ts';

async function run(pass: Pass, model: Model) {
  return (await runPassList(model, [pass], { opset: 13 }))[0]!;
}

function ops(model: Model): string[] {
  return model.graph.nodes.map((node) => node.op);
}

describe('identity-removal', () => {
  it('removes a chain of nodes that do nothing', async () => {
    const net = new NetBuilder(1, [2, 3]);
    const chain = net.node('Identity', [net.node('Identity', [net.relu('input')])]);
    const transposed = net.node('Transpose', [chain], { perm: ints([0, 1]) });
    const model = net.output(net.relu(net.node('Concat', [transposed], { axis: int(0) })));
    expect((await run(identityRemoval, model)).changed).toBe(4);
    expect(ops(model)).toEqual(['Relu', 'Relu']);
  });

  it('keeps the name of an output that it makes', async () => {
    const net = new NetBuilder(1, [2]);
    const model = net.output(net.node('Identity', [net.relu('input')]));
    const [name] = model.graph.outputs.map((output) => output.name);
    expect((await run(identityRemoval, model)).changed).toBe(1);
    expect(model.graph.nodes[0]?.outputs).toEqual([name]);
  });

  it('stays between an input and an output, and between two outputs', async () => {
    const net = new NetBuilder(1, [2]);
    const relu = net.relu('input');
    const model = net.output(net.node('Identity', ['input']));
    model.graph.outputs.push(tensorInfo(relu, 'float32'));
    net.output(net.node('Identity', [relu]));
    expect((await run(identityRemoval, model)).changed).toBe(0);
  });

  it('leaves a transpose that moves something', async () => {
    const net = new NetBuilder(1, [2, 3]);
    const model = net.output(net.node('Transpose', ['input']));
    expect((await run(identityRemoval, model)).changed).toBe(0);
  });
});

describe('dropout-removal', () => {
  it('removes dropout at inference', async () => {
    const net = new NetBuilder(1, [2]);
    const model = net.output(net.relu(net.node('Dropout', ['input', net.constant([], [0.5])])));
    expect((await run(dropoutRemoval, model)).changed).toBe(1);
    expect(ops(model)).toEqual(['Relu']);
  });

  it.each(['mask', 'training', 'decided at run time'])(
    'leaves it and says why: %s',
    async (reason) => {
      const net = new NetBuilder(1, [2]);
      net.model.graph.initializers.set('yes', fromNumbers('bool', [], [1]));
      const mode = { mask: '', training: 'yes' }[reason] ?? 'mode';
      if (mode === 'mode') net.model.graph.inputs.push(tensorInfo(mode, 'bool', []));
      const outputs = ['kept', ...(reason === 'mask' ? ['mask'] : [])];
      net.model.graph.nodes.push(makeNode('Dropout', 'd', ['input', '', mode], outputs));
      const model = net.output(net.relu('kept'));
      if (reason === 'mask') model.graph.outputs.push(tensorInfo('mask', 'bool'));
      const { changed, declined } = await run(dropoutRemoval, model);
      expect(changed).toBe(0);
      expect(declined.join()).toContain(reason);
    },
  );
});

describe('dead-code', () => {
  it('removes nodes and constants that no output needs, but no input', async () => {
    const net = new NetBuilder(1, [1, 2, 4, 4]);
    net.conv(net.relu('input'), 2, 2, 1);
    net.model.graph.inputs.push(tensorInfo('unused', 'float32', [1]));
    net.model.graph.valueInfo.set('gone', tensorInfo('gone', 'float32', []));
    const model = net.output(net.relu('input'));
    expect((await run(deadCode, model)).changed).toBe(4);
    expect(ops(model)).toEqual(['Relu']);
    expect(model.graph.initializers.size + model.graph.valueInfo.size).toBe(0);
    expect(model.graph.inputs).toHaveLength(2);
  });
});
