import type { Runtime, Tensors } from '@flotilla/model';
import { writeOnnx } from '../formats/onnx/write.ts';
import type { Model } from '../ir/graph.ts';
import type { Ranges } from '../quantize/plan-context.ts';
import { createHistogram } from './histogram.ts';
import { averageEstimator, minMaxEstimator } from './range-estimators.ts';
import { quantizableValues, tapRanges, tapValues } from './taps.ts';

/** How samples become a range: all values, the mean of each sample's extremes, or nearly all values. */
export const CALIBRATION_METHODS = ['min-max', 'average', 'percentile'] as const;
export type CalibrationMethod = (typeof CALIBRATION_METHODS)[number];

/** Share of the values that `percentile` keeps inside the range. */
const COVERAGE = 0.9999;

export interface CalibrateOptions {
  readonly runtime: Runtime;
  readonly method: CalibrationMethod;
  /** Called after each sample. */
  readonly onSample?: (done: number) => void;
}

/** A model with taps, and what is kept of its outputs: constant in size for any number of samples. */
interface Collector {
  readonly model: Model;
  collect(outputs: Tensors): void;
  ranges(): Ranges;
}

/**
 * Runs samples through the model, one in flight at a time, and returns the range of each value that
 * int8 may need.
 */
export async function calibrate(
  model: Model,
  samples: AsyncIterable<Tensors>,
  { runtime, method, onSample }: CalibrateOptions,
): Promise<Ranges> {
  const values = quantizableValues(model.graph);
  const collector =
    method === 'percentile'
      ? collectHistograms(model, values)
      : collectExtremes(model, values, method);
  const session = await runtime.load(writeOnnx(collector.model));
  try {
    let done = 0;
    for await (const feeds of samples) {
      collector.collect(await session.run(feeds));
      done += 1;
      onSample?.(done);
    }
  } finally {
    await session.dispose();
  }
  return collector.ranges();
}

function collectExtremes(
  model: Model,
  values: readonly string[],
  method: 'min-max' | 'average',
): Collector {
  const tapped = tapRanges(model, values);
  const make = method === 'average' ? averageEstimator : minMaxEstimator;
  const taps = values.map((name) => ({ name, tap: tapped.outputs.get(name), estimator: make() }));
  return {
    model: tapped.model,
    collect(outputs) {
      for (const { tap, estimator } of taps) {
        estimator.observe(scalarOf(outputs, tap?.min), scalarOf(outputs, tap?.max));
      }
    },
    ranges: () => new Map(taps.map(({ name, estimator }) => [name, estimator.range()])),
  };
}

function collectHistograms(model: Model, values: readonly string[]): Collector {
  const tapped = tapValues(model, values);
  const taps = values.map((name) => ({
    name,
    output: tapped.outputs.get(name) ?? name,
    histogram: createHistogram(),
  }));
  return {
    model: tapped.model,
    collect(outputs) {
      for (const { output, histogram } of taps) {
        const data = outputs[output]?.data;
        if (data instanceof Float32Array) histogram.add(data);
      }
    },
    ranges: () => new Map(taps.map(({ name, histogram }) => [name, histogram.range(COVERAGE)])),
  };
}

function scalarOf(outputs: Tensors, name: string | undefined): number {
  return Number(outputs[name ?? '']?.data[0] ?? Number.NaN);
}
