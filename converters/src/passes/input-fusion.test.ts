import { describe, expect, it } from 'vitest';
import { int, ints } from '../ir/attributes.ts';
import { checkPass } from '../testing/check-pass.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { batchNorm } from './fixtures/index.ts';
import { inputFusion } from './input-fusion.ts';

const net = () => new NetBuilder(3, [1, 4, 6, 6]);
const pointwise = (build: NetBuilder, x: string, group = 1) =>
  build.node('Conv', [x, build.weights([4, 4 / group, 1, 1], 4)], { group: int(group) });
const scale = (build: NetBuilder, x: string) =>
  build.node('Mul', [x, build.constant([4, 1, 1], [1, -2, 0.5, 3])]);

describe('input-fusion', () => {
  it.each([1, 2, 4])(
    'folds a normalization into a Conv of %d groups that does not pad',
    async (group) => {
      const build = net();
      const pooled = build.node('AveragePool', ['input'], { kernel_shape: ints([2, 2]) });
      const model = build.output(pointwise(build, batchNorm(build, pooled, 4), group));
      expect((await checkPass(model, inputFusion)).ops).toEqual(['AveragePool', 'Conv']);
    },
  );

  it('folds a product into a Conv that pads, but no sum', async () => {
    const build = net();
    const model = build.output(build.conv(scale(build, 'input'), 4, 4, 3));
    expect((await checkPass(model, inputFusion)).ops).toEqual(['Conv']);
    const other = net();
    const shifted = other.node('Add', [other.constant([1], [0.5]), 'input']);
    const { report } = await checkPass(other.output(other.conv(shifted, 4, 4, 3)), inputFusion);
    expect(report.declined).toEqual([expect.stringContaining('pads with zeros')]);
  });

  it('folds into Gemm', async () => {
    const build = new NetBuilder(3, [2, 4]);
    const scaled = build.node('Mul', ['input', build.constant([4], [1, 2, 3, 4])]);
    const model = build.output(
      build.gemm(build.node('Add', [scaled, build.constant([], [1])]), 4, 3),
    );
    expect((await checkPass(model, inputFusion)).ops).toEqual(['Gemm']);
  });

  it('stays where another takes it, too, and where it broadcasts', async () => {
    const build = net();
    const scaled = scale(build, 'input');
    const model = build.output(build.node('Add', [pointwise(build, scaled), scaled]));
    expect((await checkPass(model, inputFusion)).report.changed).toBe(0);
    const other = new NetBuilder(3, [1, 1, 6, 6]);
    const { report } = await checkPass(
      other.output(pointwise(other, scale(other, 'input'))),
      inputFusion,
    );
    expect(report.declined).toEqual([expect.stringContaining('channels of its input')]);
  });
});
