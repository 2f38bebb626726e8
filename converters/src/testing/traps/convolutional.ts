import { int } from '../../ir/attributes.ts';
import { NetBuilder } from '../small-net.ts';
import { CHANNELS, drawImages, IMAGE_SHAPE, SCORES } from './image-task.ts';
import { depthwise, pointwise, quietBlock, readOut } from './layers.ts';
import {
  beside,
  filled,
  joined,
  type Matrix,
  mirrored,
  orthogonal,
  scaled,
  transposed,
} from './matrix.ts';
import { defineTrap } from './trap.ts';

/** How much louder than the classes the loud channels are. */
const LOUD = 600;
/** Weight with which a loud channel is taken: too little to tell, but not nothing. */
const HARDLY = 1e-7;

const IMAGES = { inputShape: IMAGE_SHAPE, draw: drawImages };
const TURN = orthogonal(CHANNELS, 7);
const loudRow: Matrix = [Array<number>(CHANNELS).fill(LOUD)];

/** Expands to both signs and one loud channel, applies an activation, and undoes it all. */
function loudBlock(net: NetBuilder, input: string, activate: (value: string) => string): string {
  const wide = activate(pointwise(net, input, [...mirrored(TURN), ...loudRow]));
  return pointwise(net, wide, beside(joined(transposed(TURN)), filled(CHANNELS, 1, HARDLY)));
}

export const siluBlocks = defineTrap({
  ...IMAGES,
  name: 'silu-blocks',
  why: 'x · sigmoid(x) of a loud channel leaves no steps for the others',
  naive: 'lost',
  build() {
    const net = new NetBuilder(1, IMAGE_SHAPE);
    const silu = (value: string) => net.node('Mul', [value, net.node('Sigmoid', [value])]);
    const first = loudBlock(net, quietBlock(net, 'input', CHANNELS, 1), silu);
    const wide = silu(pointwise(net, first, mirrored(TURN)));
    return readOut(net, pointwise(net, wide, joined(transposed(TURN))), SCORES);
  },
});

export const outlierChannel = defineTrap({
  ...IMAGES,
  name: 'outlier-channel',
  why: 'one channel is hundreds of times louder than the others',
  naive: 'lost',
  build() {
    const net = new NetBuilder(1, IMAGE_SHAPE);
    const first = quietBlock(net, 'input', CHANNELS, 1);
    return readOut(
      net,
      loudBlock(net, first, (value) => net.relu(value)),
      SCORES,
    );
  },
});

export const residualAdds = defineTrap({
  ...IMAGES,
  name: 'residual-adds',
  why: 'what blocks add is small beside the stream that they add it to',
  naive: 'lost',
  build() {
    const net = new NetBuilder(1, IMAGE_SHAPE);
    const offset = TURN.map((_, i) => (i % 2 === 0 ? LOUD : -LOUD));
    const stem = quietBlock(net, 'input', CHANNELS, 1);
    let stream = pointwise(net, stem, scaled(TURN, 0), offset);
    for (let i = 0; i < 2; i++) {
      const wide = net.relu(pointwise(net, stem, mirrored(TURN)));
      const block = pointwise(net, wide, joined(scaled(transposed(TURN), 0.5)));
      stream = net.node('Add', [stream, block]);
    }
    const identity = TURN.map((_, i) => TURN.map((_, j) => Number(i === j)));
    const centered = pointwise(
      net,
      stream,
      identity,
      offset.map((value) => -value),
    );
    return readOut(net, centered, SCORES);
  },
});

export const sharedWeights = defineTrap({
  ...IMAGES,
  name: 'shared-weights',
  why: 'one weight and bias serve inputs of very different ranges, and so of different bias scales',
  naive: 'kept',
  build() {
    const net = new NetBuilder(1, IMAGE_SHAPE);
    const stem = quietBlock(net, 'input', CHANNELS, 1);
    const soft = net.node('Mul', [stem, net.constant([], [1 / LOUD])]);
    const loud = pointwise(net, stem, mirrored(TURN));
    const { inputs, attributes } = net.model.graph.nodes.at(-1)!;
    const again = net.node('Conv', [soft, ...inputs.slice(1)], Object.fromEntries(attributes));
    const raised = net.node('Mul', [again, net.constant([], [LOUD / 2])]);
    const both = net.relu(net.node('Add', [loud, raised]));
    return readOut(net, pointwise(net, both, joined(transposed(TURN))), SCORES);
  },
});

export const concatRanges = defineTrap({
  ...IMAGES,
  name: 'concat-ranges',
  why: 'a Concat brings branches of very different ranges under one scale',
  naive: 'lost',
  build() {
    const net = new NetBuilder(1, IMAGE_SHAPE);
    const stem = quietBlock(net, 'input', CHANNELS, 1);
    const soft = net.relu(pointwise(net, stem, mirrored(TURN)));
    const loud = net.relu(pointwise(net, stem, scaled(TURN, LOUD)));
    const both = net.node('Concat', [soft, loud], { axis: int(1) });
    const weights = beside(joined(transposed(TURN)), filled(CHANNELS, CHANNELS, HARDLY));
    return readOut(net, pointwise(net, both, weights), SCORES);
  },
});

export const clippedNet = defineTrap({
  ...IMAGES,
  name: 'clipped-net',
  why: 'a Clip to 0…6 that is not absorbed leaves its convolution in float',
  naive: 'kept',
  build() {
    const net = new NetBuilder(1, IMAGE_SHAPE);
    const wide = net.relu6(pointwise(net, 'input', mirrored(TURN)));
    const deep = net.relu6(depthwise(net, wide, 2 * CHANNELS));
    const merged = pointwise(net, deep, joined(transposed(TURN)));
    return readOut(net, quietBlock(net, merged, CHANNELS, 2), SCORES);
  },
});
