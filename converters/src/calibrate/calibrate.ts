import type { Runtime, Tensors } from '@flotilla/model';
import { FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { totalLength } from '../formats/onnx/payloads.ts';
import { loadModelIn } from '../formats/onnx/session.ts';
import { onnxPieces, writeOnnx } from '../formats/onnx/write.ts';
import type { Model } from '../ir/graph.ts';
import { HELPER_DEPTH, openCrew } from '../parallel/crew.ts';
import { mapInOrder } from '../parallel/map-in-order.ts';
import { defaultWorkers } from '../parallel/workers.ts';
import { planObservation } from './derived.ts';
import { createExtremes } from './extremes.ts';
import { type Histogram, sumOf } from './histogram.ts';
import type { CalibrationMethod } from './methods.ts';
import { type Observer, openObserver } from './observer.ts';
import { type ActivationStatistics, needsHistograms, statisticsOf } from './statistics.ts';
import { quantizableValues, tapActivations } from './taps.ts';
import { openThreadObserver } from './thread-observer.ts';

export interface CalibrateOptions {
  /** Runs the first samples, on the calling thread; helpers are threads with ONNX Runtime. */
  readonly runtime: Runtime;
  readonly methods: readonly CalibrationMethod[];
  /** Threads, at most; by default what processors and memory allow. They change nothing but the time. */
  readonly workers?: number | undefined;
  /** Called after each sample. */
  readonly onSample?: ((done: number) => void) | undefined;
  /** Called with each sample when it has been run: its memory may be given back. */
  readonly release?: ((sample: Tensors) => void) | undefined;
  /** File or row that a sample comes from, for messages. */
  readonly where?: ((index: number) => string) | undefined;
}

const LEAST_SAMPLES = 2;
/** A larger model runs in one session, which maps its weights from a file. */
const MOST_SHARED = 256 << 20;
const NONE: ReadonlyMap<string, Histogram> = new Map();

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
  const { runtime, methods, onSample, release, where = sampleNumber } = options;
  const observation = planObservation(model.graph, quantizableValues(model.graph));
  const { observed, derived } = observation;
  const whole = needsHistograms(methods);
  const { model: tapped, taps } = tapActivations(model, observed, whole);
  const bytes = totalLength(onnxPieces(tapped));
  const { workers = defaultWorkers(bytes) } = options;
  const laneOf = (observer: Observer, depth: number) => ({
    observer,
    depth,
    run: (feeds: Tensors, index: number) => observe(observer, feeds, where(index)),
  });
  // To count elements takes threads of its own; extremes come from the runtime, which divides its
  // work without an influence on them, and one session takes the memory of one.
  const helpers = whole && bytes <= MOST_SHARED ? workers - 1 : 0;
  const load = { lean: true, threads: helpers > 0 ? 1 : workers };
  const first = openObserver(await loadModelIn(runtime, tapped, load), taps);
  const crew = openCrew(laneOf(first, 1), helpers, async () =>
    laneOf(await openThreadObserver(writeOnnx(tapped), taps), HELPER_DEPTH),
  );
  try {
    const table = createExtremes(observation);
    for await (const { item, result } of mapInOrder(samples, crew.ready)) {
      release?.(item);
      table.add(result);
      onSample?.(table.samples);
    }
    if (table.samples < LEAST_SAMPLES) throw tooFew(table.samples);
    const lanes = await crew.all();
    const histograms = whole
      ? await gather(
          lanes.map(({ observer }) => observer),
          observed,
        )
      : NONE;
    const extremes = table.values;
    return statisticsOf({ samples: table.samples, methods, extremes, histograms, derived });
  } finally {
    const lanes = await crew.all();
    await Promise.all(lanes.map(({ observer }) => observer.dispose()));
  }
}

async function observe(observer: Observer, feeds: Tensors, where: string): Promise<Float32Array> {
  const fault = firstNaN(feeds);
  if (fault !== undefined) throw unusable(where, `input ${fault} holds NaN`);
  try {
    return await observer.observe(feeds);
  } catch (error) {
    throw aboutSample(error, where);
  }
}

/** By value, the histogram of what all observers saw. */
async function gather(
  observers: readonly Observer[],
  values: readonly string[],
): Promise<Map<string, Histogram>> {
  const parts = await Promise.all(observers.map((observer) => observer.histograms()));
  return new Map(values.map((value, i) => [value, sumOf(parts.map((part) => part[i]!))]));
}

function tooFew(samples: number): FlotillaError {
  return new FlotillaError('data.too-few', {
    folder: 'calibration',
    samples,
    least: LEAST_SAMPLES,
  });
}

/** Name of the first input with an element that is NaN. */
function firstNaN(feeds: Tensors): string | undefined {
  for (const [name, { type, data }] of Object.entries(feeds)) {
    if ((type === 'FP32' || type === 'FP64') && holdsNaN(data as Float32Array)) return name;
  }
  return undefined;
}

/** A plain loop: every element of every sample goes through it. */
function holdsNaN(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
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
