import { FlotillaError, type Precision } from '@flotilla/protocol';

/** What a node that stayed in floats could not do. */
export interface Skipped {
  readonly node: string;
  readonly reason: string;
}

export function impossible(precision: Precision, reason: string): FlotillaError {
  return new FlotillaError('quantize.impossible', { precision, reason });
}

/** For a model in which no node can be quantized; the first that was looked at stands for all. */
export function nothingToQuantize(
  precision: Precision,
  lack: string,
  [first]: readonly Skipped[],
): FlotillaError {
  const why = first === undefined ? '' : `: ${first.node}: ${first.reason}`;
  return impossible(precision, `${lack}${why}`);
}
