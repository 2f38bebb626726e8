import { resolve } from 'node:path';
import type { ConvertRequest } from '@flotilla/converters';
import { MAKEABLE } from '@flotilla/converters/precisions';
import { FlotillaError, type Precision } from '@flotilla/protocol';
import { type TargetId, targetById } from '@flotilla/targets';
import { type GraphOptions, graphRequest, names } from '../graph-options.ts';
import { readCount, readNumber } from '../numbers.ts';
import { type SchemeOptions, schemeRequest } from './scheme-options.ts';

export interface OptimizeOptions extends GraphOptions, SchemeOptions {
  readonly target: string;
  readonly precision: string;
  readonly spec?: string;
  readonly calibration?: string;
  readonly evaluate?: string;
  readonly out: string;
  readonly maxDrop?: string;
  readonly modelVersion: string;
  readonly recipe?: string;
  readonly measurements?: string;
  readonly maxCalibration?: string;
  readonly maxChoice?: string;
  readonly maxEvaluation?: string;
  readonly seed?: string;
  readonly json?: boolean;
}

/** The word that asks for samples made up from the model itself, in place of a folder. */
const SYNTHETIC = 'synthetic';

/** @throws FlotillaError `target.unknown`, `cli.usage` */
export function optimizeRequest(model: string, options: OptimizeOptions): ConvertRequest {
  const { calibration, evaluate, recipe, measurements, spec } = options;
  const scheme = schemeRequest(options);
  return {
    modelFile: resolve(model),
    ...(spec === undefined ? {} : { specFile: resolve(spec) }),
    ...(calibration === undefined ? {} : { calibration: folderOrWord(calibration) }),
    ...(evaluate === undefined ? {} : { evaluation: resolve(evaluate) }),
    ...(recipe === undefined ? {} : { recipeFile: resolve(recipe) }),
    ...(measurements === undefined ? {} : { measurementsFile: resolve(measurements) }),
    ...graphRequest(options),
    ...(scheme === undefined ? {} : { scheme }),
    ...limits(options),
    version: readNumber(options.modelVersion),
    targets: names(options.target).map((id): TargetId => targetById(id).id),
    precisions: options.precision === 'auto' ? 'auto' : names(options.precision).map(precision),
    out: resolve(options.out),
  };
}

function limits({ maxDrop, maxCalibration, maxChoice, maxEvaluation, seed }: OptimizeOptions) {
  return {
    ...(maxDrop === undefined ? {} : { maxDrop: readNumber(maxDrop) / 100 }),
    ...(maxCalibration === undefined ? {} : { maxCalibration: readCount(maxCalibration) }),
    ...(maxChoice === undefined ? {} : { maxChoice: readCount(maxChoice) }),
    ...(maxEvaluation === undefined ? {} : { maxEvaluation: readCount(maxEvaluation) }),
    ...(seed === undefined ? {} : { seed: readCount(seed) }),
  };
}

function folderOrWord(calibration: string): string {
  return calibration === SYNTHETIC ? SYNTHETIC : resolve(calibration);
}

function precision(name: string): Precision {
  const found = MAKEABLE.find((known) => known === name);
  if (found !== undefined) return found;
  const reason = `no precision ${name}: use auto or some of ${MAKEABLE.join(', ')}`;
  throw new FlotillaError('cli.usage', { reason });
}
