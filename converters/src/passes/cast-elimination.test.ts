import { expect, it } from 'vitest';
import { int } from '../ir/attributes.ts';
import { DATA_TYPES, type DataType } from '../ir/dtype.ts';
import { tensorInfo } from '../ir/graph.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { castElimination } from './cast-elimination.ts';

async function castsLeft(...types: DataType[]) {
  const net = new NetBuilder(1, [8]);
  const [first = 'float32', ...rest] = types;
  net.model.graph.inputs = [tensorInfo('input', first, [8])];
  let value = net.node('Neg', ['input']);
  for (const to of rest) value = net.node('Cast', [value], { to: int(DATA_TYPES[to].code) });
  const model = net.output(value);
  model.graph.outputs = [tensorInfo(value, rest.at(-1) ?? first)];
  return await checkPass(model, castElimination, 0);
}

it.each<[DataType[], number]>([
  [['float32', 'float32'], 0],
  [['float32', 'float64', 'float32'], 0],
  [['int32', 'int64', 'float64', 'int32'], 0],
  [['float16', 'float32', 'float64'], 1],
  [['int8', 'int32', 'int64'], 1],
])('%s: %d are left', async (types, left) => {
  const { ops } = await castsLeft(...types);
  expect(ops).toEqual(['Neg', ...new Array(left).fill('Cast')]);
});

it.each<[DataType[]]>([
  [['float32', 'int32', 'float32']],
  [['float32', 'float16', 'float32']],
  [['int64', 'int32', 'int64']],
])('%s stay, because values are lost between', async (types) => {
  const { ops, report } = await castsLeft(...types);
  expect(ops).toEqual(['Neg', 'Cast', 'Cast']);
  expect(report.declined.join()).toContain('loses values');
});

it('casts like another value of the same type go', async () => {
  const net = new NetBuilder(1, [2], 15);
  const model = net.output(net.node('CastLike', [net.relu('input'), 'input']));
  expect((await checkPass(model, castElimination, 0)).ops).toEqual(['Relu']);
});
