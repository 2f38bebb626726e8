import { int, ints, string } from '../../ir/attributes.ts';
import type { Model } from '../../ir/graph.ts';
import { NetBuilder } from '../small-net.ts';
import { CHANNELS, drawImages, IMAGE_SHAPE, SCORES } from './image-task.ts';
import { pointwise, quietBlock, readOut } from './layers.ts';
import { beside, filled, type Matrix, scaled } from './matrix.ts';
import { defineTrap } from './trap.ts';

const HALF = CHANNELS / 2;
const LOUD = 600;

/** Four of the channels, times a factor. */
function picked(first: number, factor: number): Matrix {
  return Array.from({ length: HALF }, (_, i) =>
    Array.from({ length: CHANNELS }, (_, j) => (j === first + i ? factor : 0)),
  );
}

/** Half of what tells the classes apart is kept at full size and soft, the other half is pooled and loud. */
function build(): Model {
  const net = new NetBuilder(1, IMAGE_SHAPE);
  const stem = quietBlock(net, 'input', CHANNELS, 1);
  const lateral = pointwise(net, stem, picked(0, 1));
  const pooled = net.node('AveragePool', [stem], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
  });
  const deep = pointwise(net, pooled, picked(HALF, LOUD));
  const scales = net.constant([4], [1, 1, 2, 2]);
  const up = net.node('Resize', [deep, '', scales], {
    mode: string('nearest'),
    coordinate_transformation_mode: string('asymmetric'),
    nearest_mode: string('floor'),
  });
  const both = net.node('Concat', [lateral, up], { axis: int(1) });
  const top = beside(identity(1), filled(HALF, HALF, 0));
  const bottom = beside(filled(HALF, HALF, 0), identity(1 / LOUD));
  const merged = pointwise(net, both, [...top, ...bottom]);
  return readOut(net, merged, SCORES);
}

function identity(factor: number): Matrix {
  const rows = filled(HALF, HALF, 1).map((row, i) => row.map((_, j) => Number(i === j)));
  return scaled(rows, factor);
}

export const resizePyramid = defineTrap({
  name: 'resize-pyramid',
  why: 'a feature pyramid joins an enlarged loud level and a soft one',
  naive: 'lost',
  inputShape: IMAGE_SHAPE,
  build,
  draw: drawImages,
});
