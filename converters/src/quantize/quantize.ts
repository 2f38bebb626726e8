import type { Runtime, Tensors } from '@flotilla/model';
import type { Precision } from '@flotilla/protocol';
import type { ActivationStatistics } from '../calibrate/statistics.ts';
import { writeOnnx } from '../formats/onnx/write.ts';
import type { Model } from '../ir/graph.ts';
import type { ActivationRange } from '../result.ts';
import { quantizeDynamic } from './dynamic.ts';
import { toFloat16 } from './fp16.ts';
import type { Skipped } from './impossible.ts';
import { quantizeInt4 } from './int4.ts';
import { sameNames } from './same-names.ts';
import type {
  DynamicScheme,
  Fp16Scheme,
  Fp32Scheme,
  Int4Scheme,
  Scheme,
  StaticScheme,
} from './scheme.ts';
import { quantizeStatic } from './static.ts';

/** Samples, and what calibration found in them. */
export interface CalibrationData {
  readonly statistics: ActivationStatistics;
  /** The same samples again, from the first. */
  samples(): AsyncIterable<Tensors>;
  /** Called with each of them when it has been run: its memory may be given back. */
  readonly release?: ((sample: Tensors) => void) | undefined;
  readonly runtime: Runtime;
}

/** A model in one precision, and its file. */
export interface Quantized {
  readonly scheme: Scheme;
  readonly precision: Precision;
  readonly model: Model;
  readonly bytes: Uint8Array;
  /** The fp32 model that was quantized: its values are what `renamed` starts from. */
  readonly base: Model;
  /** By value of the fp32 model, the name under which this one has it, for comparison. */
  readonly renamed: ReadonlyMap<string, string>;
  /** Of the quantized activations, in graph order; empty where nothing was calibrated. */
  readonly ranges: readonly ActivationRange[];
  /** Operators that run in integers. */
  readonly integerNodes: number;
  /** Nodes that stayed in floats although they might have gained, with the reason. */
  readonly skipped: readonly Skipped[];
  readonly warnings: readonly string[];
}

interface QuantizeInput<S extends Scheme> {
  /** float32, after the passes, and equalized where the scheme says so; it is not changed. */
  readonly model: Model;
  readonly scheme: S;
  /** Of this very model; static int8 needs it. */
  readonly calibration: CalibrationData | undefined;
}

/**
 * Writes a model's numbers as a scheme says. The same input gives the same bytes.
 *
 * @throws FlotillaError `quantize.impossible`
 */
export async function quantize(input: QuantizeInput<Scheme>): Promise<Quantized> {
  const { model, scheme } = input;
  const made = await make(input);
  const { precision } = scheme;
  return { scheme, precision, base: model, bytes: writeOnnx(made.model), ranges: [], ...made };
}

type Made = Pick<Quantized, 'model' | 'renamed' | 'integerNodes' | 'skipped' | 'warnings'> &
  Partial<Pick<Quantized, 'ranges'>>;

type Makers = { readonly [P in Precision]: (input: QuantizeInput<SchemeOf<P>>) => Promise<Made> };
type SchemeOf<P extends Precision> = Extract<Scheme, { readonly precision: P }> | Reaching<P>;
/** `StaticScheme` names two precisions, so that `Extract` finds it for neither. */
type Reaching<P extends Precision> = P extends StaticScheme['precision'] ? StaticScheme : never;

const MAKERS: Makers = {
  fp32: asItIs,
  fp16: toHalves,
  int8: quantizeStatic,
  mixed: quantizeStatic,
  'int8-dynamic': ({ model, scheme }: QuantizeInput<DynamicScheme>) =>
    quantizeDynamic(model, scheme),
  int4: ({ model, scheme }: QuantizeInput<Int4Scheme>) => quantizeInt4(model, scheme),
};

function make<S extends Scheme>(input: QuantizeInput<S>): Promise<Made> {
  // A scheme's precision decides its type, which TypeScript does not follow through the table.
  const maker = MAKERS[input.scheme.precision] as (input: QuantizeInput<S>) => Promise<Made>;
  return maker(input);
}

async function asItIs({ model }: QuantizeInput<Fp32Scheme>): Promise<Made> {
  const renamed = sameNames(model.graph, model.graph);
  return { model, renamed, integerNodes: 0, skipped: [], warnings: [] };
}

async function toHalves(input: QuantizeInput<Fp16Scheme>): Promise<Made> {
  const { model: fp32, scheme, calibration } = input;
  const ranges = calibration?.statistics.methods.includes('min-max')
    ? calibration.statistics.ranges('min-max', { activation: 'int8', symmetricActivations: true })
    : undefined;
  const made = toFloat16(fp32, { float: scheme.float, ...(ranges && { ranges }) });
  return { ...made, renamed: sameNames(fp32.graph, made.model.graph), integerNodes: 0 };
}
