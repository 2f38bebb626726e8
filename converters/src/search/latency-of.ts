import { type Digest, type Precision, sha256 } from '@flotilla/protocol';
import type { TargetId, TargetProfile } from '@flotilla/targets';
import type { Quantized } from '../quantize/quantize.ts';
import type { Latency } from '../result.ts';
import { structureOf } from '../structure.ts';
import { type LatencyPair, thisProcessor } from '../verify/latency.ts';
import { nodePrecisions } from '../verify/node-precisions.ts';
import { estimateLatency, type Work } from '../verify/work.ts';
import type { Measurements } from './measurements.ts';

/** Where a target's latencies come from. */
export interface LatencySource {
  readonly profile: TargetProfile;
  /** The hardware class of this machine. */
  readonly host: TargetId | undefined;
  /** The provider that runs models on this machine. */
  readonly provider: string;
  readonly work: Work;
  readonly measurements: Measurements;
}

/** What there is to know of a variant whose latency is asked. */
export interface Timed {
  readonly digest: Digest;
  /** The same for variants that differ in the numbers of their constants only: they take one time. */
  readonly structure: string;
  readonly precision: Precision;
  /** That a node, by name, runs in. */
  precisionOf(node: string): Precision;
}

export async function timedOf(variant: Quantized): Promise<Timed> {
  const { precision, bytes, model } = variant;
  const [digest, structure] = [await sha256(bytes), structureOf(model)];
  return { digest, structure, precision, precisionOf: nodePrecisions(variant) };
}

/**
 * Latency of a variant on a target: imported from a device, else measured here where this machine is
 * the target, else estimated by the cost table.
 *
 * @param time measures on this machine; it is called only where that counts
 */
export async function latencyOn(
  source: LatencySource,
  variant: Timed,
  time: () => Promise<Latency>,
): Promise<Latency> {
  const imported = source.measurements.of(source.profile.id, variant);
  if (imported !== undefined) return imported;
  return source.host === source.profile.id ? await time() : estimated(variant, source);
}

export function measuredHere(
  pair: LatencyPair,
  { provider }: Pick<LatencySource, 'provider'>,
): Latency {
  return { ...pair, measuredOn: { cpu: thisProcessor(), provider, threads: 1 } };
}

/** By the cost table; in the milliseconds of the device where fp32 was measured there. */
function estimated(
  { precisionOf }: Timed,
  { profile, work, measurements }: LatencySource,
): Latency {
  const [provider = 'cpu'] = profile.providers;
  const byTable = estimateLatency(work, () => 'fp32', profile);
  const fp32 = measurements.fp32(profile.id) ?? byTable;
  const scale = byTable > 0 ? fp32 / byTable : 1;
  return {
    fp32,
    variant: scale * estimateLatency(work, precisionOf, profile),
    measuredOn: { cpu: profile.name, provider, threads: 1 },
    estimated: true,
  };
}
