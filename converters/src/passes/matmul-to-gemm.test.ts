import { expect, it } from 'vitest';
import { tensorInfo } from '../ir/graph.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { matMulToGemm } from './matmul-to-gemm.ts';

function product(shape: readonly number[]) {
  const net = new NetBuilder(1, shape);
  return { net, value: net.node('MatMul', ['input', net.weights([4, 5], 4)]) };
}

it('makes a Gemm of a product and a bias', async () => {
  const { net, value } = product([2, 4]);
  const model = net.output(net.node('Add', [net.weights([1, 5], 5), value]));
  expect((await checkPass(model, matMulToGemm)).ops).toEqual(['Gemm']);
});

it('leaves three dimensions, and a product that is used elsewhere', async () => {
  const cubic = product([3, 2, 4]);
  const model = cubic.net.output(cubic.net.node('Add', [cubic.value, cubic.net.weights([5], 5)]));
  expect((await checkPass(model, matMulToGemm)).ops).toEqual(['MatMul', 'Add']);
  const { net, value } = product([2, 4]);
  const shared = net.output(net.node('Add', [value, net.weights([5], 5)]));
  shared.graph.outputs.push(tensorInfo(value, 'float32'));
  const { report } = await checkPass(shared, matMulToGemm);
  expect(report.declined).toEqual([expect.stringContaining('is an output')]);
});
