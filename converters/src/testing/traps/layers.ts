import { int, ints } from '../../ir/attributes.ts';
import type { Model } from '../../ir/graph.ts';
import type { NetBuilder } from '../small-net.ts';
import {
  beside,
  filled,
  joined,
  type Matrix,
  mirrored,
  multiplied,
  orthogonal,
  transposed,
} from './matrix.ts';

/** A 1×1 convolution with these weights, [outputs][inputs]. */
export function pointwise(
  net: NetBuilder,
  input: string,
  weights: Matrix,
  bias: readonly number[] = weights.map(() => 0),
): string {
  const dims = [weights.length, weights[0]!.length, 1, 1];
  const constants = [net.constant(dims, weights.flat()), net.constant([bias.length], bias)];
  return net.node('Conv', [input, ...constants], { kernel_shape: ints([1, 1]) });
}

/** Hands on nine tenths of a pixel and some of those around it. */
const KERNEL = Array.from({ length: 9 }, (_, tap) => (tap === 4 ? 0.9 : 0.0125));

function spatial(net: NetBuilder, input: string, weights: Matrix, groups: number): string {
  const values = weights.flatMap((row) => row.flatMap((value) => KERNEL.map((tap) => tap * value)));
  const constants = [
    net.constant([weights.length, weights[0]!.length, 3, 3], values),
    net.constant([weights.length], Array<number>(weights.length).fill(0)),
  ];
  const attributes = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), group: int(groups) };
  return net.node('Conv', [input, ...constants], attributes);
}

/** A 3×3 convolution of each channel by itself. */
export function depthwise(net: NetBuilder, input: string, channels: number): string {
  return spatial(net, input, filled(channels, 1, 1), channels);
}

/** Channels of each sign within a quiet block: enough for integers to be worth it. */
const WIDTH = 24;

/**
 * A block that int8 does well and fast: many channels through a ReLU and a dense convolution, and
 * back to what it was given.
 */
export function quietBlock(net: NetBuilder, input: string, channels: number, seed: number): string {
  const widen = transposed(orthogonal(WIDTH, seed).slice(0, channels));
  const turn = orthogonal(WIDTH, seed + 50);
  const none = filled(WIDTH, WIDTH, 0);
  const turns = [...beside(turn, none), ...beside(none, turn)];
  const wide = net.relu(pointwise(net, input, mirrored(widen)));
  const deep = spatial(net, wide, turns, 1);
  return pointwise(net, deep, joined(multiplied(transposed(widen), transposed(turn))));
}

/** Mean over the image, then scores; the model is complete with it. */
export function readOut(
  net: NetBuilder,
  input: string,
  weights: Matrix,
  bias: readonly number[] = weights.map(() => 0),
): Model {
  const flat = net.node('Flatten', [net.node('GlobalAveragePool', [input])]);
  const constants = [
    net.constant([weights.length, weights[0]!.length], weights.flat()),
    net.constant([bias.length], bias),
  ];
  net.node('Gemm', [flat, ...constants], { transB: int(1) });
  return finished(net, 'logits');
}

/** The model, whose last node makes its output under this name. */
export function finished(net: NetBuilder, output: string): Model {
  net.model.graph.nodes.at(-1)!.outputs = [output];
  return net.output(output);
}
