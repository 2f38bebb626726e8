import { FlotillaError } from '@flotilla/protocol';
import { CALIBRATION_METHODS } from './calibrate/methods.ts';
import type { ConvertRequest, SchemeRequest } from './request.ts';

/** A request with its defaults filled in. */
export interface Settings {
  readonly calibration: string | undefined;
  readonly evaluation: string | undefined;
  readonly maxCalibration: number;
  readonly maxChoice: number;
  readonly maxEvaluation: number;
  readonly latencyRuns: number;
  readonly seed: number;
  readonly epoch: number;
  readonly fixed: SchemeRequest;
}

/** Stands for calibration data that are made up from the model. */
export const SYNTHETIC = 'synthetic';

const MAX_SAMPLES = 1_000_000;
const MAX_RUNS = 10_000;
const MAX_VERSION = 2 ** 31 - 1;
const MAX_NAMES = 100_000;
const BLOCK_SIZES = [16, 32, 64, 128] as const;
const ROUNDINGS = ['nearest', 'adaptive'] as const;

/** @throws FlotillaError `convert.request-invalid` naming the field */
export function settingsOf(request: ConvertRequest): Settings {
  const { calibration, evaluation, targets } = request;
  if (targets.length === 0) throw invalid('targets', 'names no target');
  whole(request, 'version', 1, MAX_VERSION);
  const { maxDrop = 0 } = request;
  if (!(maxDrop >= 0 && maxDrop <= 1)) throw invalid('maxDrop', 'must be a fraction from 0 to 1');
  if (calibration === undefined && evaluation === undefined) {
    throw invalid(
      'calibration',
      'is missing: variants are judged by samples, of --calibration or --evaluate; without any, --calibration synthetic makes some up',
    );
  }
  return {
    calibration,
    evaluation,
    maxCalibration: whole(request, 'maxCalibration', 200, MAX_SAMPLES),
    maxChoice: whole(request, 'maxChoice', 200, MAX_SAMPLES),
    maxEvaluation: whole(request, 'maxEvaluation', 1000, MAX_SAMPLES),
    latencyRuns: whole(request, 'latencyRuns', 30, MAX_RUNS),
    seed: whole(request, 'seed', 1, MAX_VERSION),
    epoch: request.epoch ?? 0,
    fixed: checkedScheme(request.scheme ?? {}),
  };
}

function checkedScheme(scheme: SchemeRequest): SchemeRequest {
  const { method, rounding, blockSize, float } = scheme;
  oneOf('scheme.method', method, CALIBRATION_METHODS);
  oneOf('scheme.rounding', rounding, ROUNDINGS);
  oneOf('scheme.blockSize', blockSize, BLOCK_SIZES);
  if (float !== undefined && float.length > MAX_NAMES) {
    throw invalid('scheme.float', `names more than ${MAX_NAMES} nodes`);
  }
  return scheme;
}

function oneOf<T>(field: string, value: T | undefined, known: readonly T[]): void {
  if (value === undefined || known.includes(value)) return;
  throw invalid(field, `must be one of ${known.join(', ')}`);
}

type Count = 'version' | 'maxCalibration' | 'maxChoice' | 'maxEvaluation' | 'latencyRuns' | 'seed';

function whole(request: ConvertRequest, field: Count, missing: number, most: number): number {
  const value = request[field] ?? missing;
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw invalid(field, `must be a whole number from 1 to ${most}`);
}

export function invalid(field: string, reason: string): FlotillaError {
  return new FlotillaError('convert.request-invalid', { field, reason });
}
