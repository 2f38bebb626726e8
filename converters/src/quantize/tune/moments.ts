import type { Tensors } from '@flotilla/model';
import { writeOnnx } from '../../formats/onnx/write.ts';
import { freeTensors } from '../../free.ts';
import type { Model } from '../../ir/graph.ts';
import type { CalibrationData } from '../quantize.ts';
import { type MomentTaps, type ObservedProduct, tapMoments } from './moments-graph.ts';

/**
 * Moments of what one product takes, over samples and positions, by column; the groups of a
 * convolution one after the other. x is the float input, y the same quantized.
 */
export interface Moments {
  /** E[x] and E[y]. */
  readonly mean: Float64Array;
  readonly quantizedMean: Float64Array;
  /** E[y·yᵀ] and E[x·yᵀ], columns × columns for each group; undefined where not asked for. */
  readonly squares: { readonly square: Float64Array; readonly cross: Float64Array } | undefined;
}

/** Runs samples through the float model; memory is that of the moments, however many samples. */
export async function observeMoments(
  model: Model,
  products: readonly ObservedProduct[],
  samples: AsyncIterable<Tensors>,
  { runtime, release }: Pick<CalibrationData, 'runtime' | 'release'>,
): Promise<Moments[]> {
  const tapped = tapMoments(model, products);
  const sums = tapped.taps.map((taps) => new MomentSums(taps));
  const session = await runtime.load(writeOnnx(tapped.model));
  try {
    for await (const feeds of samples) {
      const outputs = await session.run(feeds);
      for (const sum of sums) sum.add(outputs);
      freeTensors(outputs);
      release?.(feeds);
    }
  } finally {
    await session.dispose();
  }
  return sums.map((sum) => sum.moments());
}

type Sum = 'mean' | 'quantizedMean' | 'square' | 'cross';

class MomentSums {
  readonly #taps: MomentTaps;
  readonly #sums = new Map<Sum, Float64Array>();
  #positions = 0;

  constructor(taps: MomentTaps) {
    this.#taps = taps;
  }

  add(outputs: Tensors): void {
    const positions = Number(outputs[this.#taps.shape]?.data[2] ?? 0);
    this.#positions += positions;
    this.#add('mean', outputs, positions);
    this.#add('quantizedMean', outputs, positions);
    this.#add('square', outputs, 1);
    this.#add('cross', outputs, 1);
  }

  #add(which: Sum, outputs: Tensors, weight: number): void {
    const data = outputs[this.#taps[which] ?? '']?.data;
    if (!(data instanceof Float32Array)) return;
    const sum = this.#sums.get(which) ?? new Float64Array(data.length);
    this.#sums.set(which, sum);
    for (let i = 0; i < data.length; i++) sum[i]! += data[i]! * weight;
  }

  moments(): Moments {
    const mean = this.#average('mean') ?? new Float64Array();
    const quantizedMean = this.#average('quantizedMean') ?? new Float64Array();
    const [square, cross] = [this.#average('square'), this.#average('cross')];
    const squares = square && cross ? { square, cross } : undefined;
    return { mean, quantizedMean, squares };
  }

  #average(which: Sum): Float64Array | undefined {
    return this.#sums.get(which)?.map((sum) => sum / this.#positions);
  }
}
