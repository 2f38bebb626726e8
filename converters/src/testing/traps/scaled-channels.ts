import type { Model } from '../../ir/graph.ts';
import { NetBuilder } from '../small-net.ts';
import { CHANNELS, drawImages, IMAGE_SHAPE, SCORES } from './image-task.ts';
import { depthwise, pointwise, quietBlock, readOut } from './layers.ts';
import { joined, mirrored, orthogonal, scaledColumns, transposed } from './matrix.ts';
import { defineTrap } from './trap.ts';

const WIDE = 2 * CHANNELS;
/** Factors of the channels from 0.01 to 100, in no order. */
const FIRST = spread(5);
const SECOND = spread(3);

function spread(stride: number): number[] {
  return Array.from({ length: WIDE }, (_, i) => 10 ** (((i * stride) % WIDE) / 3.75 - 2));
}

/** Batch normalization that multiplies each channel by its factor. */
function normalized(net: NetBuilder, input: string, factors: readonly number[]): string {
  const means = factors.map(() => 0);
  const variances = factors.map((_, i) => 0.5 + i / WIDE);
  const gammas = factors.map((factor, i) => factor * Math.sqrt(variances[i]! + 1e-5));
  const constants = [gammas, means, means, variances].map((values) => net.constant([WIDE], values));
  return net.node('BatchNormalization', [input, ...constants]);
}

/**
 * The net of the case that cross-layer equalization was made for (Nagel et al. 2019, figure 2): the
 * channels of a depthwise convolution differ by four orders of magnitude, and the next layer makes
 * up for it.
 */
function build(): Model {
  const net = new NetBuilder(1, IMAGE_SHAPE);
  const turn = orthogonal(CHANNELS, 7);
  const stem = quietBlock(net, 'input', CHANNELS, 1);
  const wide = net.relu(normalized(net, pointwise(net, stem, mirrored(turn)), FIRST));
  const deep = net.relu(normalized(net, depthwise(net, wide, WIDE), SECOND));
  const undo = FIRST.map((factor, i) => 1 / (factor * SECOND[i]!));
  const merged = pointwise(net, deep, scaledColumns(joined(transposed(turn)), undo));
  return readOut(net, merged, SCORES);
}

export const depthwiseBatchNorm = defineTrap({
  name: 'depthwise-batchnorm',
  why: 'batch normalization after a depthwise convolution makes channels of very different ranges',
  naive: 'lost',
  inputShape: IMAGE_SHAPE,
  build,
  draw: drawImages,
});
