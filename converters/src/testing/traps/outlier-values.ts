import type { Model } from '../../ir/graph.ts';
import { NetBuilder } from '../small-net.ts';
import { CHANNELS, drawImages, IMAGE_SHAPE, SCORES } from './image-task.ts';
import { pointwise, quietBlock, readOut } from './layers.ts';
import { filled } from './matrix.ts';
import { defineTrap, type TrapSample } from './trap.ts';

const SPIKE = 4000;
/** One sample of so many has a pixel that no sensor should give. */
const EVERY = 40;

function draw(seed: number, count: number): TrapSample[] {
  return drawImages(seed, count).map((sample, i) => {
    if (i % EVERY !== 1) return sample;
    const input = Float32Array.from(sample.input);
    input[(i * 7 + seed) % input.length] = SPIKE;
    return { ...sample, input };
  });
}

/** The net itself holds its first layer within ±4, so that nothing is lost where the range is cut. */
function build(): Model {
  const net = new NetBuilder(1, IMAGE_SHAPE);
  const weights = filled(CHANNELS, CHANNELS, 0).map((row, i) =>
    row.map((_, j) => (i === j ? 1 : 1e-4)),
  );
  const first = pointwise(net, 'input', weights);
  const limits = [net.constant([], [-4]), net.constant([], [4])];
  const held = net.node('Clip', [first, ...limits]);
  return readOut(net, quietBlock(net, held, CHANNELS, 1), SCORES);
}

export const outlierValues = defineTrap({
  name: 'outlier-values',
  why: 'a rare spike in the input takes the whole range',
  naive: 'lost',
  inputShape: IMAGE_SHAPE,
  build,
  draw,
});
