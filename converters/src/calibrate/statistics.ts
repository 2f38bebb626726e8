import type { QdqForm } from '@flotilla/targets';
import type { Range } from '../quantize/params.ts';
import type { Ranges } from '../quantize/plan-context.ts';
import type { Derivation } from './derived.ts';
import { leastDivergenceRange } from './divergence.ts';
import type { Extremes } from './extremes.ts';
import { clipped, type Histogram, sumOf } from './histogram.ts';
import type { CalibrationMethod } from './methods.ts';
import { percentileRange } from './percentile.ts';
import { leastSquaresRange } from './squared-error.ts';

/** What of a QDQ form decides the integers that activations become. */
export type ActivationForm = Pick<QdqForm, 'activation' | 'symmetricActivations'>;

/**
 * What one pass of samples through a model told of its values, in constant memory; any range can be
 * read from it without running the samples again.
 */
export interface ActivationStatistics {
  readonly samples: number;
  /** The methods that were observed: asking for another throws `RangeError`. */
  readonly methods: readonly CalibrationMethod[];
  /** Range of each value by name; for `entropy` and `mse` it depends on the integers it is for. */
  ranges(method: CalibrationMethod, form: ActivationForm): Ranges;
}

/** Share of the elements that `percentile` keeps inside the range. */
const COVERAGE = 0.99999;

const NOTHING: Range = { min: Number.NaN, max: Number.NaN };

export function needsHistograms(methods: readonly CalibrationMethod[]): boolean {
  return methods.some((method) => method !== 'min-max' && method !== 'average');
}

/** What the samples left behind. */
export interface Seen {
  readonly samples: number;
  readonly methods: readonly CalibrationMethod[];
  /** Of every value. */
  readonly extremes: ReadonlyMap<string, Extremes>;
  /** Of the observed values; empty where no method needs them. */
  readonly histograms: ReadonlyMap<string, Histogram>;
  readonly derived: ReadonlyMap<string, Derivation>;
}

export function statisticsOf(seen: Seen): ActivationStatistics {
  const known = new Map<string, Ranges>();
  const { samples, methods } = seen;
  return {
    samples,
    methods,
    ranges(method, form) {
      if (!methods.includes(method)) throw new RangeError(`${method} was not observed`);
      const key = `${method} ${form.activation} ${form.symmetricActivations}`;
      const ranges = known.get(key) ?? rangesOf(seen, method, form);
      known.set(key, ranges);
      return ranges;
    },
  };
}

function rangesOf(seen: Seen, method: CalibrationMethod, form: ActivationForm): Ranges {
  const names = [...seen.extremes.keys()];
  return new Map(names.map((name) => [name, rangeOf(name, seen, method, form)]));
}

function rangeOf(
  name: string,
  { extremes, histograms, derived }: Seen,
  method: CalibrationMethod,
  form: ActivationForm,
): Range {
  const own = extremes.get(name);
  const whole = own?.whole() ?? NOTHING;
  const histogram = histogramOf(name, histograms, derived);
  const counted = Number.isFinite(whole.max - whole.min) ? histogram : undefined;
  switch (method) {
    case 'min-max':
      return whole;
    case 'average':
      return own?.mean() ?? NOTHING;
    case 'percentile':
      return counted ? percentileRange(counted, whole, COVERAGE) : NOTHING;
    case 'entropy':
      return counted ? leastDivergenceRange(counted, whole, form) : NOTHING;
    case 'mse':
      return counted ? leastSquaresRange(counted, whole, form) : NOTHING;
  }
}

function histogramOf(
  name: string,
  histograms: ReadonlyMap<string, Histogram>,
  derived: ReadonlyMap<string, Derivation>,
): Histogram | undefined {
  const derivation = derived.get(name);
  if (derivation === undefined) return histograms.get(name);
  const sources = [derivation.from].flat().map((from) => histogramOf(from, histograms, derived));
  const [first] = sources;
  if (first === undefined || !sources.every((source) => source !== undefined)) return undefined;
  switch (derivation.kind) {
    case 'same':
      return first;
    case 'clip':
      return clipped(first, derivation.low, derivation.high);
    case 'join':
      return sumOf(sources);
  }
}
