import type { Model } from '../ir/graph.ts';
import type { ActivationRange } from '../result.ts';
import { toFloat16 } from './fp16.ts';
import { impossible } from './impossible.ts';
import { type Int8Model, quantizeInt8 } from './int8.ts';
import { padChannels } from './pad-channels.ts';
import { QUANTIZED } from './params.ts';
import type { Ranges } from './plan-context.ts';
import type { CalibrationData } from './quantize.ts';
import type { StaticScheme } from './scheme.ts';
import { tuneProducts } from './tune/tune.ts';

interface StaticInput {
  readonly model: Model;
  readonly scheme: StaticScheme;
  readonly calibration: CalibrationData | undefined;
}

interface StaticModel extends Pick<Int8Model, 'model' | 'renamed' | 'integerNodes' | 'skipped'> {
  readonly ranges: readonly ActivationRange[];
  readonly warnings: readonly string[];
}

/**
 * int8 weights and activations, with ranges from samples.
 *
 * @throws FlotillaError `quantize.impossible`
 */
export async function quantizeStatic(input: StaticInput): Promise<StaticModel> {
  const { model, scheme, calibration } = input;
  const { form, method, precision } = scheme;
  if (calibration === undefined) {
    throw impossible(precision, 'it needs samples to calibrate with');
  }
  const { statistics } = calibration;
  const ranges = statistics.ranges(method, form);
  const options = { float: new Set(scheme.float) };
  const plain = quantizeInt8(model, ranges, form, options);
  const whole =
    scheme.biasCorrection || scheme.rounding === 'adaptive'
      ? quantizeInt8(model, ranges, form, {
          ...options,
          tuned: await tuneProducts({ ...plain, model, scheme, calibration }),
        })
      : plain;
  const made = form.padChannels ? padChannels(whole) : whole;
  const seen = statistics.methods.includes('min-max') ? statistics.ranges('min-max', form) : ranges;
  const { integerNodes, skipped } = made;
  return {
    ...withHalves(made, model, scheme, seen),
    integerNodes,
    skipped,
    ranges: describeRanges(made, seen),
  };
}

/**
 * Where only what products take is quantized, the runtime is one of a GPU: nodes kept in floating
 * point by choice are computed in float16 there, which costs them nothing and halves their time.
 */
function withHalves(
  { model: quantized, renamed }: Pick<Int8Model, 'model' | 'renamed'>,
  { graph }: Model,
  { precision, form, float }: StaticScheme,
  ranges: Ranges,
): Pick<StaticModel, 'model' | 'renamed' | 'warnings'> {
  const same = { model: quantized, renamed, warnings: [] };
  if (precision !== 'mixed' || form.quantizeOutputs) return same;
  const kept = new Set(graph.nodes.flatMap(({ name }) => (float.includes(name) ? [name] : [])));
  if (kept.size === 0) return same;
  const whole = quantized.graph.nodes.map(({ name }) => name).filter((name) => !kept.has(name));
  const { model, singles, warnings } = toFloat16(quantized, { float: whole, ranges });
  // What no float16 node takes is there under its float32 name only.
  const inHalves = [...renamed].map(([name, to]) => [name, singles.get(to) ?? to] as const);
  return { model, renamed: new Map(inHalves), warnings };
}

/** What the integers of each quantized value reach, beside what calibration saw. */
function describeRanges({ values }: Int8Model, seen: Ranges): ActivationRange[] {
  return [...values].map(([value, { type, scale, zeroPoint }]) => ({
    value,
    seen: seen.get(value) ?? { min: 0, max: 0 },
    min: (QUANTIZED[type].min - zeroPoint) * scale,
    max: (QUANTIZED[type].max - zeroPoint) * scale,
    scale,
    zeroPoint,
    type,
  }));
}
