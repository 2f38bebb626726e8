import { join } from 'node:path';
import { BY_INTERVAL } from '@flotilla/model';
import { writeFileDurably } from '@flotilla/protocol/node';
import { type TargetProfile, targetById } from '@flotilla/targets';
import { memoryOf } from './bundle.ts';
import { graphSize } from './graph-size.ts';
import { opsetOf } from './ir/graph.ts';
import type { Quantized } from './quantize/quantize.ts';
import { renderReport } from './report/html.ts';
import type { Accuracy, ConvertResult, Latency, VariantReport } from './result.ts';
import { NOISE } from './search/pareto.ts';
import type { LatencyPair } from './verify/latency.ts';
import type { Verification } from './verify/verify.ts';
import type { Work } from './verify/work.ts';

/** One variant as it was judged, before it is known whether a bundle of it is written. */
export type Assessment = Omit<VariantReport, 'file' | 'digest' | 'recipeFile'>;

/** Keeps the result beside the bundles, which it names by digest, for programs and for people. */
export async function writeReport(result: ConvertResult, out: string): Promise<void> {
  const file = join(out, `${result.model}-${result.version}-report`);
  await writeFileDurably(`${file}.json`, `${JSON.stringify(result, null, 2)}\n`);
  await writeFileDurably(`${file}.html`, renderReport(result));
}

export interface AssessInput {
  readonly variant: Quantized;
  readonly verification: Verification;
  readonly profile: TargetProfile;
  readonly latency: Latency;
  /** On this machine. */
  readonly hostLatency: Latency;
  readonly work: Work;
  /** Calibration samples were made up. */
  readonly synthetic: boolean;
}

/** Puts together what is known of a variant on a target, in numbers and in words. */
export function assess(input: AssessInput): Assessment {
  const { variant, verification, profile, latency, hostLatency, work } = input;
  const { accuracy, sqnr } = verification;
  const isHost = latency.measuredOn === hostLatency.measuredOn;
  const bytes = variant.bytes.length;
  return {
    target: profile.id,
    precision: variant.precision,
    bytes,
    opset: opsetOf(variant.model),
    memoryBytes: memoryOf(bytes, work),
    scheme: variant.scheme,
    graph: graphSize(variant.model, bytes),
    accuracy,
    latencyMs: latency,
    ...(isHost ? {} : { hostLatencyMs: hostLatency }),
    sqnr,
    ranges: variant.ranges,
    skipped: variant.skipped,
    warnings: [
      ...variant.warnings,
      ...syntheticWarnings(input),
      ...accuracyWarnings(accuracy),
      ...(variant.precision === 'fp32' ? [] : certaintyWarnings(accuracy)),
      ...latencyWarnings(input),
    ],
  };
}

/** Why no bundle of a target can be written whatever the variant is, or undefined. */
export function obstacle(
  { opset, precision }: Pick<Assessment, 'opset' | 'precision'>,
  { name, maxOpset, precisions, runtimes }: TargetProfile,
): string | undefined {
  if (!runtimes.some((runtime) => runtime.startsWith('onnxruntime'))) {
    return `${name} takes other files than ONNX, which are not written`;
  }
  if (!precisions.includes(precision)) return `${name} does not run ${precision}`;
  if (opset > maxOpset) return `opset ${opset} is above ${maxOpset}, where ${name} ends`;
  return undefined;
}

/**
 * Why no bundle of a variant is written, or undefined. With `auto` a variant must also be worth it:
 * faster than fp32 where that was measured, and where int8 pays for some models only, by estimate.
 */
export function withheld(assessment: Assessment, auto: boolean): string | undefined {
  const { accuracy, precision, latencyMs, target } = assessment;
  const profile = targetById(target);
  const blocked = obstacle(assessment, profile);
  if (blocked !== undefined) return blocked;
  if (!accuracy.passed) return 'its accuracy is outside the budget';
  if (!auto || precision === 'fp32' || !isSlower(latencyMs)) return undefined;
  if (!latencyMs.estimated) return 'it is slower than fp32';
  const { int8, name } = profile;
  return int8 === 'by-op-mix' && precision !== 'fp16'
    ? `its operators are not expected to gain on ${name}`
    : undefined;
}

export function withWarning(assessment: Assessment, reason: string): Assessment {
  return { ...assessment, warnings: [`no bundle was written: ${reason}`, ...assessment.warnings] };
}

function syntheticWarnings({ synthetic, variant }: AssessInput): string[] {
  if (!synthetic || variant.ranges.length === 0) return [];
  return ['calibrated with made-up inputs: check it on real data, or calibrate with some'];
}

function latencyWarnings({ latency, variant, profile }: AssessInput): string[] {
  const { precision } = variant;
  const slower = precision !== 'fp32' && isSlower(latency);
  if (latency.estimated) {
    const about = `latency is estimated for ${profile.name}, not measured`;
    return [slower ? `${about}; ${precision} may not pay there, measure it on the device` : about];
  }
  if (!slower) return [];
  const where = latency.measuredOn.cpu;
  const times = `${milliseconds(latency.variant)} against ${milliseconds(latency.fp32)}`;
  return [`${precision} is slower than fp32, measured on ${where}: ${times}`];
}

function accuracyWarnings({ passed, judged, metric, fp32, slices }: Accuracy): string[] {
  const warnings = passed && !judged.startsWith(BY_INTERVAL) ? [] : [judged];
  if (metric === 'top1' && fp32 < UNUSUALLY_LOW) {
    const percent = (fp32 * 100).toFixed(1);
    warnings.push(
      `fp32 itself is right on only ${percent} % of the evaluation samples: check labels and preprocessing`,
    );
  }
  for (const { slice, value, lost, won, samples } of slices) {
    if (lost - won > Math.max(2, samples * SLICE_LOSS)) {
      warnings.push(`${slice}=${value} loses ${lost} and wins ${won} of ${samples} samples`);
    }
  }
  return warnings;
}

/** With few samples every budget lies within the interval: the verdict then says little. */
function certaintyWarnings({ passed, samples, interval: [, most] }: Accuracy): string[] {
  if (!passed || most <= UNCERTAIN) return [];
  const percent = (most * 100).toFixed(0);
  const count = samples === 1 ? '1 sample' : `${samples} samples`;
  return [`judged by ${count} only: a net loss of up to ${percent} % would not show`];
}

function isSlower({ fp32, variant }: LatencyPair): boolean {
  return variant > fp32 * (1 + NOISE);
}

/** Below this share a trained classifier is more likely fed wrongly than bad. */
const UNUSUALLY_LOW = 0.3;
/** Net loss that may stay hidden without a word. */
const UNCERTAIN = 0.1;
/** Net loss in one slice that is worth a word. */
const SLICE_LOSS = 0.05;

function milliseconds(value: number): string {
  return `${value.toPrecision(3)} ms`;
}
