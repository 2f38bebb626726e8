import { int, ints } from '../../ir/attributes.ts';
import type { Model } from '../../ir/graph.ts';
import type { NetBuilder } from '../small-net.ts';
import { joined, type Matrix, mirrored, orthogonal, transposed } from './matrix.ts';

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

/** A 3×3 convolution of each channel by itself that hands on nine tenths of its pixel. */
export function depthwise(net: NetBuilder, input: string, channels: number): string {
  const kernel = [0.0125, 0.0125, 0.0125, 0.0125, 0.9, 0.0125, 0.0125, 0.0125, 0.0125];
  const weights = Array.from({ length: channels }, () => kernel).flat();
  const constants = [
    net.constant([channels, 1, 3, 3], weights),
    net.constant([channels], Array<number>(channels).fill(0)),
  ];
  const attributes = { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]), group: int(channels) };
  return net.node('Conv', [input, ...constants], attributes);
}

/** A block that int8 does well: twice as many channels through a ReLU, and back to what it was given. */
export function quietBlock(net: NetBuilder, input: string, channels: number, seed: number): string {
  const turn = orthogonal(channels, seed);
  const wide = net.relu(pointwise(net, input, mirrored(turn)));
  return pointwise(net, depthwise(net, wide, 2 * channels), joined(transposed(turn)));
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
