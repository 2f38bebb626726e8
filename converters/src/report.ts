import { join } from 'node:path';
import { writeFileDurably } from '@flotilla/protocol/node';
import { type TargetId, type TargetProfile, targetById } from '@flotilla/targets';
import { memoryOf } from './bundle.ts';
import { opsetOf } from './ir/graph.ts';
import type { Quantized } from './quantize/quantize.ts';
import type { Accuracy, ConvertRequest, ConvertResult, Latency, VariantReport } from './request.ts';
import { type LatencyPair, thisProcessor } from './verify/latency.ts';
import type { Reference, Verification } from './verify/verify.ts';
import { estimateLatency } from './verify/work.ts';

/** One variant as it was judged, before it is known whether a bundle of it is written. */
export type Assessment = Omit<VariantReport, 'file' | 'digest'>;

export function aboutModel(
  { modelFile, version }: ConvertRequest,
  { source, model, data }: Reference,
): Pick<ConvertResult, 'model' | 'version' | 'source' | 'data'> {
  const { digest, modelBytes, spec } = source;
  const opset = opsetOf(model);
  return {
    model: spec.name,
    version,
    source: { file: modelFile, digest, bytes: modelBytes.length, opset },
    data: {
      calibration: data.calibration.items.length,
      evaluation: data.evaluation.items.length,
    },
  };
}

/** Keeps the result beside the bundles, which it names by digest. */
export async function writeReport(result: ConvertResult, out: string): Promise<void> {
  const file = join(out, `${result.model}-${result.version}-report.json`);
  await writeFileDurably(file, `${JSON.stringify(result, null, 2)}\n`);
}

/** Puts together what is known of a variant on a target, in numbers and in words. */
export function assess(
  variant: Quantized,
  verification: Verification,
  reference: Reference,
  profile: TargetProfile,
  host: TargetId | undefined,
): Assessment {
  const { accuracy, latency, sqnr } = verification;
  const measured = onHost(latency, reference);
  const estimated = estimate(variant, reference, profile);
  const isHost = host === profile.id;
  return {
    target: profile.id,
    precision: variant.precision,
    bytes: variant.bytes.length,
    opset: opsetOf(variant.model),
    memoryBytes: memoryOf(variant.bytes.length, reference.work),
    accuracy,
    latencyMs: isHost ? measured : estimated,
    ...(isHost ? {} : { hostLatencyMs: measured }),
    sqnr,
    skipped: variant.skipped,
    warnings: [
      ...variant.warnings,
      ...accuracyWarnings(accuracy),
      ...(variant.precision === 'fp32' ? [] : certaintyWarnings(accuracy)),
      ...(isHost
        ? measuredWarnings(variant, measured)
        : estimateWarnings(variant, estimated, profile)),
    ],
  };
}

function onHost({ fp32, variant }: Verification['latency'], { source }: Reference): Latency {
  const { provider } = source.session;
  return { fp32, variant, measuredOn: { cpu: thisProcessor(), provider, threads: 1 } };
}

function estimate({ precision }: Quantized, { work }: Reference, profile: TargetProfile): Latency {
  const [provider = 'cpu'] = profile.providers;
  return {
    fp32: estimateLatency(work, 'fp32', profile),
    variant: estimateLatency(work, precision, profile),
    measuredOn: { cpu: profile.name, provider, threads: 1 },
    estimated: true,
  };
}

/**
 * Why no bundle of a variant is written, or undefined. With `auto` a variant must also be worth it:
 * faster than fp32 where that was measured, and where int8 pays for some models only, by estimate.
 */
export function withheld(
  { accuracy, opset, precision, latencyMs, target }: Assessment,
  auto: boolean,
): string | undefined {
  const { name, maxOpset, precisions, int8, runtimes } = targetById(target);
  if (!runtimes.some((runtime) => runtime.startsWith('onnxruntime'))) {
    return `${name} takes other files than ONNX, which are not written`;
  }
  if (!precisions.includes(precision)) return `${name} does not run ${precision}`;
  if (opset > maxOpset) return `opset ${opset} is above ${maxOpset}, where ${name} ends`;
  if (!accuracy.passed) return 'its accuracy is outside the budget';
  if (!auto || precision !== 'int8' || !isSlower(latencyMs)) return undefined;
  if (!latencyMs.estimated) return 'it is slower than fp32';
  return int8 === 'by-op-mix' ? `its operators are not expected to gain on ${name}` : undefined;
}

function measuredWarnings({ precision }: Quantized, { fp32, variant }: Latency): string[] {
  if (precision === 'fp32' || !isSlower({ fp32, variant })) return [];
  return [
    `${precision} is slower than fp32 on this machine: ${milliseconds(variant)} against ${milliseconds(fp32)}`,
  ];
}

function estimateWarnings(
  { precision }: Quantized,
  { fp32, variant }: Latency,
  { name }: TargetProfile,
): string[] {
  const about = `latency is estimated for ${name}, not measured`;
  if (precision === 'fp32' || !isSlower({ fp32, variant })) return [about];
  return [`${about}; ${precision} may not pay there, measure it on the device`];
}

function accuracyWarnings({ passed, judged, metric, fp32, slices }: Accuracy): string[] {
  const warnings = passed ? [] : [judged];
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
  return [`judged by ${samples} samples only: a net loss of up to ${percent} % would not show`];
}

/** Medians of equally fast models differ by this much from one measurement to the next. */
const NOISE = 0.03;

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
