import { expect, it } from 'vitest';
import { int, ints } from '../ir/attributes.ts';
import { tensorInfo } from '../ir/graph.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { activationHoisting } from './activation-hoisting.ts';

/** A pool and a Flatten between a convolution and its activation. */
function behindPool() {
  const net = new NetBuilder(1, [1, 2, 6, 6]);
  const pooled = net.node('MaxPool', [net.conv('input', 2, 3, 3)], { kernel_shape: ints([2, 2]) });
  const flat = net.node('Flatten', [pooled], { axis: int(1) });
  return { net, pooled, flat };
}

it('moves an activation to what computes its values', async () => {
  const { net, flat } = behindPool();
  const { ops } = await checkPass(net.output(net.relu6(flat)), activationHoisting, 0);
  expect(ops).toEqual(['Conv', 'Clip', 'MaxPool', 'Flatten']);
});

it('stays where what lies between is used, too', async () => {
  const { net, pooled, flat } = behindPool();
  const model = net.output(net.relu(flat));
  model.graph.outputs.push(tensorInfo(pooled, 'float32'));
  const { report, ops } = await checkPass(model, activationHoisting, 0);
  expect(ops.at(-1)).toBe('Relu');
  expect(report.declined).toEqual([expect.stringContaining('is an output')]);
});

it('stays where nothing computes', async () => {
  const net = new NetBuilder(1, [1, 2, 6, 6]);
  const pooled = net.node('MaxPool', ['input'], { kernel_shape: ints([2, 2]) });
  const { report } = await checkPass(net.output(net.relu(pooled)), activationHoisting, 0);
  expect(report.changed).toBe(0);
});
