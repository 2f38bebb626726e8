import { expect, it } from 'vitest';
import { int } from '../../ir/attributes.ts';
import { makeGraph, makeModel, makeNode, tensorInfo } from '../../ir/graph.ts';
import { opsetUpgrade } from '../../passes/opset-upgrade.ts';
import { runPassList } from '../../passes/pass.ts';
import { relativeError, runModel } from '../../testing/run-model.ts';

/** Sums up along three steps, and hands out each sum. */
function scan(batch: number) {
  const body = makeGraph(
    'body',
    [tensorInfo('sum', 'float32', [2]), tensorInfo('next', 'float32', [2])],
    [tensorInfo('total', 'float32', [2]), tensorInfo('each', 'float32', [2])],
  );
  body.nodes.push(
    makeNode('Add', 'add', ['sum', 'next'], ['total']),
    makeNode('Identity', 'same', ['total'], ['each']),
  );
  const inputs = [
    tensorInfo('initial', 'float32', [batch, 2]),
    tensorInfo('x', 'float32', [batch, 3, 2]),
  ];
  const outputs = [tensorInfo('y', 'float32'), tensorInfo('z', 'float32')];
  const graph = makeGraph('scan', inputs, outputs);
  const attributes = [
    ['num_scan_inputs', int(1)],
    ['body', { kind: 'graph', value: body }],
  ] as const;
  graph.nodes.push(makeNode('Scan', 'scan', ['', 'initial', 'x'], ['y', 'z'], attributes));
  return makeModel(graph, 8);
}

const upgrade = (batch: number) => {
  const model = scan(batch);
  return runPassList(model, [opsetUpgrade], { opset: 13 }).then(() => model);
};

it('takes the batch off a Scan of one', async () => {
  const before = await runModel(scan(1), 3);
  const after = await runModel(await upgrade(1), before.feeds);
  expect(relativeError(before.outputs, after.outputs)).toBe(0);
});

it('refuses a Scan of two', async () => {
  await expect(upgrade(2)).rejects.toThrow(/batches of more than one/);
});
