import { resolve } from 'node:path';
import type { ConvertRequest } from '@flotilla/converters';
import { MAKEABLE } from '@flotilla/converters/precisions';
import { FlotillaError, type Precision } from '@flotilla/protocol';
import { type TargetId, targetById } from '@flotilla/targets';
import { type GraphOptions, graphRequest, names } from '../graph-options.ts';
import { readCount, readPoints, readSome } from '../numbers.ts';
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
  const graph = graphRequest(options);
  if (recipe !== undefined && (scheme !== undefined || Object.keys(graph).length > 0)) {
    const reason = '--recipe says how the variant is made: leave out what says it otherwise';
    throw new FlotillaError('cli.usage', { reason });
  }
  return {
    modelFile: pathOf('the model', model),
    ...(spec === undefined ? {} : { specFile: pathOf('--spec', spec) }),
    ...(calibration === undefined ? {} : { calibration: folderOrWord(calibration) }),
    ...(evaluate === undefined ? {} : { evaluation: pathOf('--evaluate', evaluate) }),
    ...(recipe === undefined ? {} : { recipeFile: pathOf('--recipe', recipe) }),
    ...(measurements === undefined
      ? {}
      : { measurementsFile: pathOf('--measurements', measurements) }),
    ...graph,
    ...(scheme === undefined ? {} : { scheme }),
    ...limits(options),
    version: readSome('--model-version', options.modelVersion),
    targets: names(options.target).map((id): TargetId => targetById(id).id),
    precisions: options.precision === 'auto' ? 'auto' : names(options.precision).map(precision),
    out: pathOf('--out', options.out),
  };
}

function limits({ maxDrop, maxCalibration, maxChoice, maxEvaluation, seed }: OptimizeOptions) {
  return {
    ...(maxDrop === undefined ? {} : { maxDrop: readPoints('--max-drop', maxDrop) }),
    ...(maxCalibration === undefined
      ? {}
      : { maxCalibration: readCount('--max-calibration', maxCalibration) }),
    ...(maxChoice === undefined ? {} : { maxChoice: readCount('--max-choice', maxChoice) }),
    ...(maxEvaluation === undefined
      ? {}
      : { maxEvaluation: readCount('--max-evaluation', maxEvaluation) }),
    ...(seed === undefined ? {} : { seed: readCount('--seed', seed) }),
  };
}

function folderOrWord(calibration: string): string {
  return calibration === SYNTHETIC ? SYNTHETIC : pathOf('--calibration', calibration);
}

/** Nothing means this folder to `resolve`: a shell variable that is empty shall not. */
function pathOf(option: string, path: string): string {
  if (path !== '') return resolve(path);
  throw new FlotillaError('cli.usage', { reason: `${option} names no path` });
}

function precision(name: string): Precision {
  const found = MAKEABLE.find((known) => known === name);
  if (found !== undefined) return found;
  const reason = `no precision ${name}: use auto or some of ${MAKEABLE.join(', ')}`;
  throw new FlotillaError('cli.usage', { reason });
}
