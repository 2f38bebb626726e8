import { FlotillaError, type Precision } from '@flotilla/protocol';
import type { TargetProfile } from '@flotilla/targets';
import { CALIBRATION_METHODS, type CalibrationMethod } from './calibrate/calibrate.ts';
import { isMakeable, MAKEABLE, type Makeable } from './precisions.ts';
import type { ConvertRequest } from './request.ts';

/** A request with its defaults filled in. */
export interface Settings {
  readonly calibration: string | undefined;
  readonly evaluation: string | undefined;
  readonly maxCalibration: number;
  readonly maxEvaluation: number;
  readonly latencyRuns: number;
  readonly method: CalibrationMethod;
  readonly seed: number;
  readonly epoch: number;
}

const MAX_SAMPLES = 1_000_000;
const MAX_RUNS = 10_000;
const MAX_VERSION = 2 ** 31 - 1;

/** @throws FlotillaError `convert.request-invalid` naming the field */
export function settingsOf(request: ConvertRequest): Settings {
  const { calibration, evaluation, method = 'min-max', targets } = request;
  if (targets.length === 0) throw invalid('targets', 'names no target');
  whole(request, 'version', 1, MAX_VERSION);
  const { maxDrop = 0 } = request;
  if (!(maxDrop >= 0 && maxDrop <= 1)) throw invalid('maxDrop', 'must be a fraction from 0 to 1');
  if (!CALIBRATION_METHODS.includes(method)) {
    throw invalid('method', `must be one of ${CALIBRATION_METHODS.join(', ')}`);
  }
  if (calibration === undefined && evaluation === undefined) {
    throw invalid('calibration', 'is missing: variants are judged by samples');
  }
  return {
    calibration,
    evaluation,
    maxCalibration: whole(request, 'maxCalibration', 200, MAX_SAMPLES),
    maxEvaluation: whole(request, 'maxEvaluation', 1000, MAX_SAMPLES),
    latencyRuns: whole(request, 'latencyRuns', 30, MAX_RUNS),
    method,
    seed: whole(request, 'seed', 1, MAX_VERSION),
    epoch: request.epoch ?? 0,
  };
}

type Count = 'version' | 'maxCalibration' | 'maxEvaluation' | 'latencyRuns' | 'seed';

function whole(request: ConvertRequest, field: Count, missing: number, most: number): number {
  const value = request[field] ?? missing;
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw invalid(field, `must be a whole number from 1 to ${most}`);
}

/**
 * The precisions to make for a target: those asked for, or with `auto` those that it prefers, in
 * its order.
 *
 * @throws FlotillaError `convert.request-invalid` for one that cannot be made
 */
export function precisionsFor(
  { precisions: preferred }: TargetProfile,
  asked: readonly Precision[] | 'auto',
): Makeable[] {
  if (asked === 'auto') return preferred.filter(isMakeable);
  return [...new Set(asked)].map((precision) => {
    if (isMakeable(precision)) return precision;
    throw invalid('precisions', `${precision} cannot be made; use one of ${MAKEABLE.join(', ')}`);
  });
}

function invalid(field: string, reason: string): FlotillaError {
  return new FlotillaError('convert.request-invalid', { field, reason });
}
