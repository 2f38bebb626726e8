import { describe, expect, it } from 'vitest';
import { int, ints } from '../ir/attributes.ts';
import { type Model, tensorInfo } from '../ir/graph.ts';
import { fromNumbers, int64Tensor } from '../ir/tensor.ts';
import { relativeError, runModel } from '../testing/run-model.ts';
import { NetBuilder } from '../testing/small-net.ts';
import { runPassList } from './pass.ts';
import { transposeElimination } from './transpose-elimination.ts';

const NHWC = ints([0, 2, 3, 1]);
const NCHW = ints([0, 3, 1, 2]);

const int32Tensor = (dims: readonly number[], values: readonly number[]) =>
  fromNumbers('int32', dims, values);

/** A network whose convolutions alone are NCHW, as translators from TFLite write it. */
class ChannelsLast extends NetBuilder {
  toLast(value: string): string {
    return this.node('Transpose', [value], { perm: NHWC });
  }
  toFirst(value: string): string {
    return this.node('Transpose', [value], { perm: NCHW });
  }
  step(value: string): string {
    return this.toLast(this.conv(this.toFirst(value), 4, 4, 3));
  }
}

const net = () => new ChannelsLast(1, [1, 6, 6, 4]);

async function eliminate(model: Model, transposes: number) {
  const before = await runModel(model, 3);
  const [report] = await runPassList(model, [transposeElimination], { opset: 13 }, 3);
  const after = await runModel(model, before.feeds);
  expect(relativeError(before.outputs, after.outputs)).toBeLessThan(1e-6);
  const left = model.graph.nodes.filter(({ op }) => op === 'Transpose').length;
  expect(left).toBe(transposes);
  return report!;
}

describe('transpose-elimination', () => {
  it('merges two, and cancels those that undo each other', async () => {
    const build = net();
    const twice = build.node('Transpose', [build.toFirst('input')], { perm: ints([0, 1, 3, 2]) });
    const other = build.relu(build.toLast(build.toFirst(build.relu('input'))));
    build.output(twice);
    await eliminate(build.output(other), 1);
  });

  it('moves through a Slice of either type of index', async () => {
    for (const make of [int64Tensor, int32Tensor]) {
      const build = net();
      for (const [name, ends] of [['from', [0, 1]] as const, ['to', [1, 3]] as const]) {
        build.model.graph.initializers.set(name, make([2], ends));
      }
      const cut = build.node('Slice', [build.toFirst('input'), 'from', 'to']);
      await eliminate(build.output(build.relu(build.toLast(cut))), 0);
    }
  });

  it('takes the pairs between convolutions away, and leaves those at the ends', async () => {
    const build = net();
    const first = build.relu(build.step('input'));
    const scaled = build.node('Mul', [first, build.constant([4], [1, 2, 3, 4])]);
    const sum = build.node('Add', [build.relu(build.step(scaled)), scaled]);
    const both = build.node('Concat', [sum, scaled], { axis: int(3) });
    const model = build.output(build.toLast(build.conv(build.toFirst(both), 8, 4, 1)));
    const report = await eliminate(model, 2);
    expect(report.did.join()).toContain('operators, which take the other layout');
  });

  it('moves through one run of operators after the other where a Transpose lies between', async () => {
    const build = new ChannelsLast(1, [1, 4, 6, 6]);
    const step = (value: string) =>
      build.toFirst(build.node('Mul', [build.toLast(value), build.weights([4], 6)]));
    const between = build.node('Mul', [step('input'), build.weights([4, 1, 1], 6)]);
    await eliminate(build.output(build.conv(step(between), 4, 4, 3)), 0);
  });

  it('moves through Pad, Slice, Split, Softmax and reductions', async () => {
    const build = net();
    const { initializers } = build.model.graph;
    const whole = (values: readonly number[]) => {
      const name = build.constant([values.length], values);
      initializers.set(name, {
        dtype: 'int64',
        dims: [values.length],
        bytes: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
      });
      return name;
    };
    const last = build.toLast(build.conv(build.toFirst('input'), 4, 4, 3));
    const padded = build.node('Pad', [last, whole([0, 1, 2, 0, 0, 0, 1, 0])]);
    const cut = build.node('Slice', [padded, whole([1, 0]), whole([7, 3]), whole([1, -1])]);
    const mean = build.node('ReduceMean', [build.relu(cut)], {
      axes: ints([1, 2]),
      keepdims: int(0),
    });
    await eliminate(build.output(mean), 1);
  });

  it('stays where something else needs the other layout as much', async () => {
    const build = net();
    const last = build.relu(build.step('input'));
    const model = build.output(build.toFirst(last));
    model.graph.outputs.push(tensorInfo(last, 'float32'));
    const report = await eliminate(model, 2);
    expect(report.changed).toBeGreaterThan(0);
  });

  it('says so where moving it saves nothing', async () => {
    const build = net();
    const model = build.output(build.relu(build.step('input')));
    const { declined } = await eliminate(model, 2);
    expect(declined.join()).toContain('as much elsewhere');
  });

  it('is a Reshape where it moves axes of size 1 only', async () => {
    const build = new ChannelsLast(1, [1, 6, 6, 1]);
    const model = build.output(build.relu(build.toFirst('input')));
    await eliminate(model, 0);
    expect(model.graph.nodes.map(({ op }) => op)).toEqual(['Reshape', 'Relu']);
  });
});
