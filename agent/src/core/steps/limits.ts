import { FlotillaError } from '@flotilla/protocol';
import type { Limits, SelfTestFigures } from '../state.ts';

/** Limits that hold where the server names none; 0 is no limit. */
export type OwnLimits = Pick<Limits, 'maxLatencyMs' | 'maxRssBytes'>;

/**
 * Why a model that passed its self-test may not be activated: `deployment.too-slow` or
 * `deployment.too-big`; undefined where it may. The median is judged and not the 95th percentile,
 * because the model that serves shares the processor and stretches the tail.
 *
 * @param bundle for messages: `parts@3`
 */
export function overLimit(
  bundle: string,
  { latencyMs, rssBytes = 0 }: Pick<SelfTestFigures, 'latencyMs' | 'rssBytes'>,
  wanted: Limits | undefined,
  own: OwnLimits,
): FlotillaError | undefined {
  const limitMs = wanted?.maxLatencyMs || own.maxLatencyMs;
  if (limitMs > 0 && latencyMs > limitMs) {
    const shown = Number(latencyMs.toPrecision(3));
    return new FlotillaError('deployment.too-slow', { bundle, latencyMs: shown, limitMs });
  }
  const limit = wanted?.maxRssBytes || own.maxRssBytes;
  if (limit > 0 && rssBytes > limit) {
    return new FlotillaError('deployment.too-big', { bundle, bytes: rssBytes, limit });
  }
  return undefined;
}
