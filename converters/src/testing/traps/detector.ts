import { int, ints } from '../../ir/attributes.ts';
import type { Model } from '../../ir/graph.ts';
import { int64Tensor } from '../../ir/tensor.ts';
import { NetBuilder } from '../small-net.ts';
import { CHANNELS, drawImages, IMAGE_SHAPE, SCORES, SIDE } from './image-task.ts';
import { finished, pointwise, quietBlock } from './layers.ts';
import { type Matrix, orthogonal, scaled } from './matrix.ts';
import { defineTrap } from './trap.ts';

const CENTERS: Matrix = scaled(orthogonal(CHANNELS, 3).slice(0, 2), 60);
const SIZES: Matrix = scaled(orthogonal(CHANNELS, 4).slice(0, 2), 30);

/** Corners from center and size: what the last convolution of the box branch computes. */
const DECODE: Matrix = [
  [1, 0, -0.5, 0],
  [0, 1, 0, -0.5],
  [1, 0, 0.5, 0],
  [0, 1, 0, 0.5],
];

/**
 * The head of YOLO exports: for each place a box in pixels and raw scores come in one tensor,
 * are split again, the box decoded by a convolution, and both joined as the output.
 */
function build(): Model {
  const net = new NetBuilder(1, IMAGE_SHAPE);
  const stem = quietBlock(net, 'input', CHANNELS, 1);
  const boxes = pointwise(net, stem, [...CENTERS, ...SIZES], [320, 320, 120, 120]);
  const raw = pointwise(
    net,
    stem,
    scaled(SCORES, 0.5),
    SCORES.map(() => -2),
  );
  const both = net.node('Concat', [boxes, raw], { axis: int(1) });
  const [first, last] = split(net, both);
  const corners = pointwise(net, first, DECODE);
  const all = net.node('Concat', [corners, net.node('Sigmoid', [last])], { axis: int(1) });
  const rows = net.reshape(all, [1, 4 + SCORES.length, SIDE * SIDE]);
  net.node('Transpose', [rows], { perm: ints([0, 2, 1]) });
  return finished(net, 'detections');
}

function split(net: NetBuilder, value: string): [boxes: string, scores: string] {
  const { initializers, nodes } = net.model.graph;
  initializers.set('parts', int64Tensor([2], [4, SCORES.length]));
  const first = net.node('Split', [value, 'parts'], { axis: int(1) });
  const names: [string, string] = [first, `${first}_scores`];
  nodes.at(-1)!.outputs = names;
  return names;
}

export const detectorHead = defineTrap({
  name: 'detector-head',
  why: 'boxes in pixels and raw scores share a tensor, and so a scale: nothing is detected any more',
  naive: 'lost',
  inputShape: IMAGE_SHAPE,
  outputs: 'outputs: {raw: {}}\nevaluation: {metric: agreement, maxDrop: 0.005}',
  build,
  draw: (seed, count) => drawImages(seed, count).map(({ input }) => ({ input, label: undefined })),
});
