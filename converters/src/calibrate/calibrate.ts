import type { Runtime, Tensors } from '@flotilla/model';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { writeOnnx } from '../formats/onnx/write.ts';
import type { Model } from '../ir/graph.ts';
import { mapInOrder } from '../parallel/map-in-order.ts';
import { defaultWorkers } from '../parallel/workers.ts';
import { planObservation } from './derived.ts';
import { createExtremes } from './extremes.ts';
import { type Histogram, sumOf } from './histogram.ts';
import type { CalibrationMethod } from './methods.ts';
import { type Observer, openObserver } from './observer.ts';
import { type ActivationStatistics, needsHistograms, statisticsOf } from './statistics.ts';
import { quantizableValues, type Tap, tapActivations } from './taps.ts';
import { openThreadObserver } from './thread-observer.ts';

export interface CalibrateOptions {
  /** Runs the model where there is one worker; several are threads with ONNX Runtime. */
  readonly runtime: Runtime;
  readonly methods: readonly CalibrationMethod[];
  /** Sessions side by side; by default what processors and memory allow. Changes only the time. */
  readonly workers?: number | undefined;
  /** Called after each sample. */
  readonly onSample?: ((done: number) => void) | undefined;
  /** File or row that a sample comes from, for messages. */
  readonly where?: ((index: number) => string) | undefined;
}

const LEAST_SAMPLES = 2;

/**
 * Runs samples through the model, once for all methods, and keeps what is needed to tell the range
 * of each value that int8 may need. Memory does not grow with the samples.
 *
 * @param samples feeds of the model, gone through once
 * @throws FlotillaError `data.too-few`; `data.invalid` naming the sample that does not fit the
 *   model, holds NaN, or makes a value NaN
 */
export async function calibrate(
  model: Model,
  samples: AsyncIterable<Tensors>,
  options: CalibrateOptions,
): Promise<ActivationStatistics> {
  const { methods, onSample, where = sampleNumber } = options;
  const observation = planObservation(model.graph, quantizableValues(model.graph));
  const { observed, derived } = observation;
  const whole = needsHistograms(methods);
  const tapped = tapActivations(model, observed, whole);
  const table = createExtremes(observation);
  const observers = await openObservers(writeOnnx(tapped.model), tapped.taps, options);
  try {
    const lanes = observers.map((observer) => async (feeds: Tensors, index: number) => {
      const fault = firstNaN(feeds);
      if (fault !== undefined) throw unusable(where(index), `input ${fault} holds NaN`);
      return observer.observe(feeds).catch((error: unknown) => {
        throw aboutSample(error, where(index));
      });
    });
    for await (const { result } of mapInOrder(samples, lanes)) {
      table.add(result);
      onSample?.(table.samples);
    }
    if (table.samples < LEAST_SAMPLES) {
      throw new FlotillaError('data.too-few', {
        folder: 'calibration',
        samples: table.samples,
        least: LEAST_SAMPLES,
      });
    }
    const histograms = whole ? await gather(observers, observed) : new Map<string, Histogram>();
    const extremes = table.values;
    return statisticsOf({ samples: table.samples, methods, extremes, histograms, derived });
  } finally {
    await Promise.all(observers.map((observer) => observer.dispose()));
  }
}

async function openObservers(
  model: Uint8Array,
  taps: readonly Tap[],
  { runtime, workers = defaultWorkers(model.length) }: CalibrateOptions,
): Promise<Observer[]> {
  if (workers <= 1) return [await openObserver(model, taps, runtime)];
  const opening = Array.from({ length: workers }, () => openThreadObserver(model, taps));
  const opened = await Promise.allSettled(opening);
  const failed = opened.find((result) => result.status === 'rejected');
  const observers = opened.flatMap((result) =>
    result.status === 'fulfilled' ? [result.value] : [],
  );
  if (failed === undefined) return observers;
  await Promise.all(observers.map((observer) => observer.dispose()));
  throw failed.reason;
}

/** By value, the histogram of what all observers saw. */
async function gather(
  observers: readonly Observer[],
  values: readonly string[],
): Promise<Map<string, Histogram>> {
  const parts = await Promise.all(observers.map((observer) => observer.histograms()));
  return new Map(values.map((value, i) => [value, sumOf(parts.map((part) => part[i]!))]));
}

/** Name of the first input with an element that is NaN. */
function firstNaN(feeds: Tensors): string | undefined {
  for (const [name, { type, data }] of Object.entries(feeds)) {
    if ((type === 'FP32' || type === 'FP64') && (data as Float32Array).some(Number.isNaN)) {
      return name;
    }
  }
  return undefined;
}

function aboutSample(error: unknown, where: string): unknown {
  const ours =
    isFlotillaError(error, 'tensor.invalid') || isFlotillaError(error, 'runtime.run-failed');
  return ours ? unusable(where, error.message, error) : error;
}

function unusable(file: string, reason: string, cause?: unknown): FlotillaError {
  return new FlotillaError('data.invalid', { file, reason }, { cause });
}

function sampleNumber(index: number): string {
  return `calibration sample ${index + 1}`;
}
