import { expect, it } from 'vitest';
import { cloneModel, type Model } from '../../ir/graph.ts';
import { opsetUpgrade } from '../../passes/opset-upgrade.ts';
import { runPassList } from '../../passes/pass.ts';
import { relativeError, runModel } from '../../testing/run-model.ts';
import { NetBuilder } from '../../testing/small-net.ts';

/** A normalization with the five outputs that definitions before opset 14 have, by these names. */
function normalization(outputs: readonly string[]): Model {
  const net = new NetBuilder(1, [1, 2, 3], 9);
  const statistics = [1, 2, 3, 4].map((value) => net.constant([2], [value, value + 1]));
  const y = net.node('BatchNormalization', ['input', ...statistics]);
  net.model.graph.nodes.at(-1)!.outputs = [y, ...outputs];
  return net.output(net.relu(y));
}

async function upgraded(model: Model): Promise<Model> {
  const copy = cloneModel(model);
  await runPassList(copy, [opsetUpgrade], { opset: 15 });
  return copy;
}

it('leaves outputs for training away that nothing takes', async () => {
  const before = await runModel(normalization([]), 3);
  const after = await runModel(await upgraded(normalization(['m', 'v', 's', 't'])), before.feeds);
  expect(relativeError(before.outputs, after.outputs)).toBe(0);
});

it('refuses a normalization whose outputs for training are taken', async () => {
  const model = normalization(['m', 'v', 's', 't']);
  model.graph.outputs.push({ ...model.graph.outputs[0]!, name: 'm' });
  await expect(upgraded(model)).rejects.toThrow(/training mode/);
});
