import type { Tensors } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import { calibrate } from './calibrate/calibrate.ts';
import type { CalibrationMethod } from './calibrate/methods.ts';
import type { DividedData } from './data/divide.ts';
import { feedsOf } from './data/samples.ts';
import type { Model } from './ir/graph.ts';
import { equalizeLayers } from './quantize/equalize.ts';
import { type CalibrationData, type Quantized, quantize } from './quantize/quantize.ts';
import type { Scheme } from './quantize/scheme.ts';
import type { OnProgress } from './request.ts';
import { type Timed, timedOf } from './search/latency-of.ts';
import { keyOf } from './search/trial.ts';
import type { Source } from './source.ts';
import { structureOf } from './structure.ts';
import type { Judge, Judgement } from './verify/evaluate.ts';
import type { LatencyPair } from './verify/latency.ts';
import { type Verification, type VerifyContext, verify } from './verify/verify.ts';

/**
 * The steps from an fp32 model to a verified variant. Targets share their results: statistics are
 * of the model, and one scheme is one file whatever it is for.
 */
export interface Workshop {
  /** Undefined where the scheme needs none or there are no samples. */
  calibrate(scheme: Scheme): Promise<CalibrationData | undefined>;
  quantize(scheme: Scheme, calibration: CalibrationData | undefined): Promise<Quantized>;
  /** A variant judged on the choice samples. */
  tryOut(scheme: Scheme): Promise<Tried>;
  /** The same on other samples, not kept. */
  probe(scheme: Scheme, judge: Judge): Promise<Judgement & { readonly kl: number }>;
  /** Time on this machine, beside one time of fp32 for all; variants with one graph are one. */
  time(scheme: Scheme): Promise<LatencyPair>;
  verify(variant: Quantized): Promise<Verification>;
}

export interface Tried extends Judgement, Timed {
  readonly bytes: number;
}

export interface WorkshopInput extends VerifyContext {
  readonly source: Source;
  /** After the passes. */
  readonly model: Model;
  readonly data: DividedData;
  readonly choice: Judge;
  /** What calibration shall observe. */
  readonly methods: readonly CalibrationMethod[];
  readonly onProgress: OnProgress;
}

/** Variants kept, so that what was tried last is not made again; any can be. */
const KEPT_BYTES = 256 * 2 ** 20;

export function openWorkshop(input: WorkshopInput): Workshop {
  const { source, data, choice, methods, onProgress, measure, probes, latencyRuns } = input;
  const equalized = once(async () => equalizedModel(input.model));
  const calibrated = (model: () => Promise<Model>) =>
    once(() => statisticsOf(input, model, methods));
  const plainData = calibrated(async () => input.model);
  const equalizedData = calibrated(equalized);
  const made = recentlyMade();
  const tried = new Map<string, Promise<Tried>>();
  const verified = new Map<string, Promise<Verification>>();
  const times = new Map<string, Promise<LatencyPair>>();

  const workshop: Workshop = {
    async calibrate(scheme) {
      if (data.calibration.items.length === 0 || !isCalibrated(scheme)) return undefined;
      return 'equalize' in scheme && scheme.equalize ? await equalizedData() : await plainData();
    },
    async quantize(scheme, calibration) {
      const { precision } = scheme;
      const model = 'equalize' in scheme && scheme.equalize ? await equalized() : input.model;
      const variant = await made(scheme, () => quantize({ model, scheme, calibration }));
      onProgress({ step: 'quantize', precision, done: 1, total: 1 });
      return variant;
    },
    tryOut: memo(tried, keyOf, async (scheme) => {
      const variant = await workshop.quantize(scheme, await workshop.calibrate(scheme));
      const judgement = await choice.judge(variant.bytes);
      return { ...judgement, ...(await timedOf(variant)), bytes: variant.bytes.length };
    }),
    async probe(scheme, judge) {
      const variant = await workshop.quantize(scheme, await workshop.calibrate(scheme));
      const judgement = await judge.judge(variant.bytes);
      return { ...judgement, kl: judgement.quality.kl };
    },
    async time(scheme) {
      const variant = await workshop.quantize(scheme, await workshop.calibrate(scheme));
      const key = structureOf(variant.model);
      const known = times.get(key) ?? timeOf(variant);
      times.set(key, known);
      const [first] = times.values();
      return besideOne(await known, (await first)?.fp32);
    },
    verify: memo(
      verified,
      ({ scheme }) => keyOf(scheme),
      (variant) => {
        const { precision } = variant;
        const total = data.evaluation.items.length;
        return verify(variant, input, (done) =>
          onProgress({ step: 'verify', precision, done, total }),
        );
      },
    ),
  };

  async function timeOf(variant: Quantized): Promise<LatencyPair> {
    const session = await source.runtime.load(variant.bytes);
    try {
      return await measure(source.session, session, probes, latencyRuns, variant.precision);
    } finally {
      await session.dispose();
    }
  }
  return workshop;
}

/**
 * float16 wants to know how far values reach: a processor computes it in float32 and would not show
 * what overflows on the device.
 */
function isCalibrated(scheme: Scheme): boolean {
  return 'method' in scheme || scheme.precision === 'fp16';
}

/** @throws FlotillaError `quantize.impossible` where that changes nothing */
function equalizedModel(model: Model): Model {
  const { model: equalized, changed, declined } = equalizeLayers(model);
  if (changed > 0) return equalized;
  const [first = 'no two layers follow each other'] = declined;
  const reason = `nothing can be equalized: ${first}`;
  throw new FlotillaError('quantize.impossible', { precision: 'int8', reason });
}

async function statisticsOf(
  { data, source, onProgress }: WorkshopInput,
  model: () => Promise<Model>,
  methods: readonly CalibrationMethod[],
): Promise<CalibrationData> {
  const { runtime } = source;
  const { items } = data.calibration;
  const samples = (): AsyncIterable<Tensors> => feedsOf(data.calibration);
  const release = (sample: Tensors): void => data.calibration.release(sample);
  const statistics = await calibrate(await model(), samples(), {
    runtime,
    methods,
    where: (index) => items[index]?.where ?? '',
    release,
    onSample: (done) => onProgress({ step: 'calibrate', done, total: items.length }),
  });
  return { statistics, samples, release, runtime };
}

/**
 * The same ratio beside another time of fp32: each pair was measured in turns, some when the machine
 * was slower, and milliseconds of different pairs are to be comparable.
 */
function besideOne(pair: LatencyPair, fp32 = pair.fp32): LatencyPair {
  const scale = pair.fp32 > 0 ? fp32 / pair.fp32 : 1;
  return { ...pair, fp32, variant: pair.variant * scale };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function memo<A, T>(
  known: Map<string, Promise<T>>,
  key: (argument: A) => string,
  make: (argument: A) => Promise<T>,
): (argument: A) => Promise<T> {
  return (argument) => {
    const found = known.get(key(argument)) ?? make(argument);
    known.set(key(argument), found);
    return found;
  };
}

/** The variants made last, as many as fit. */
function recentlyMade(): (scheme: Scheme, make: () => Promise<Quantized>) => Promise<Quantized> {
  const kept = new Map<string, Quantized>();
  return async (scheme, make) => {
    const key = keyOf(scheme);
    const variant = kept.get(key) ?? (await make());
    kept.delete(key);
    kept.set(key, variant);
    let bytes = [...kept.values()].reduce((sum, each) => sum + each.bytes.length, 0);
    for (const [old, { bytes: size }] of kept) {
      if (bytes <= KEPT_BYTES || old === key) break;
      kept.delete(old);
      bytes -= size.length;
    }
    return variant;
  };
}
