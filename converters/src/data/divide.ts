import { resolve } from 'node:path';
import type { ModelSpec, Pipeline } from '@flotilla/model';
import { readData } from './folder.ts';
import type { DataItem, DataReading } from './item.ts';
import { type SampleSet, sampleSet } from './samples.ts';
import { shuffleByName, splitByName } from './split.ts';

/** Disjoint samples to calibrate and to judge by. */
export interface DividedData {
  readonly calibration: SampleSet;
  readonly evaluation: SampleSet;
  readonly warnings: readonly string[];
}

export interface DataRequest {
  readonly calibration?: string | undefined;
  readonly evaluation?: string | undefined;
  readonly maxCalibration: number;
  readonly maxEvaluation: number;
  readonly seed: number;
  /** False where nothing will be calibrated: every sample can then judge. */
  readonly needsCalibration: boolean;
}

/** Share of one folder that goes to calibration, where it serves for both. */
const CALIBRATION_SHARE = 1 / 3;

/**
 * Reads the data of a conversion. Where one folder serves for both, or only one is given, a seeded
 * draw by file name divides it.
 *
 * @throws FlotillaError `data.empty`, `data.invalid`
 */
export async function divideData(
  request: DataRequest,
  spec: ModelSpec,
  labels: readonly string[] | undefined,
  pipeline: Pipeline,
): Promise<DividedData> {
  const reading = readingOf(spec, labels);
  const warnings: string[] = [];
  const { calibration, evaluation } = await readBoth(request, reading, warnings);
  const judged = spec.evaluation.metric === 'top1' ? withLabels(evaluation, warnings) : evaluation;
  const draw = (items: readonly DataItem[], most: number): SampleSet =>
    sampleSet(shuffleByName(items, request.seed).slice(0, most), pipeline);
  return {
    calibration: draw(calibration, request.maxCalibration),
    evaluation: draw(judged, request.maxEvaluation),
    warnings,
  };
}

/** The samples that accuracy can be judged by: those with a label, or all where none has one. */
function withLabels(items: readonly DataItem[], warnings: string[]): readonly DataItem[] {
  const labeled = items.filter((item) => item.label !== undefined);
  const without = items.length - labeled.length;
  if (labeled.length === 0) {
    warnings.push('no evaluation sample has a label: variants are judged by agreement with fp32');
    return items;
  }
  if (without > 0) warnings.push(`${without} evaluation samples without a label are left out`);
  return labeled;
}

interface Both {
  readonly calibration: readonly DataItem[];
  readonly evaluation: readonly DataItem[];
}

async function readBoth(
  { calibration, evaluation, seed, needsCalibration }: DataRequest,
  reading: DataReading,
  warnings: string[],
): Promise<Both> {
  const one = needsCalibration ? (calibration ?? evaluation) : (evaluation ?? calibration);
  if (one === undefined) return { calibration: [], evaluation: [] };
  const read = async (path: string): Promise<readonly DataItem[]> => {
    const { items, warnings: found } = await readData(path, reading);
    warnings.push(...found);
    return items;
  };
  const items = await read(one);
  if (!needsCalibration) return { calibration: [], evaluation: items };
  if (calibration !== undefined && evaluation !== undefined && !isSame(calibration, evaluation)) {
    return { calibration: items, evaluation: await read(evaluation) };
  }
  const parts = splitByName(items, CALIBRATION_SHARE, seed);
  const { length } = parts.calibration;
  const rest = parts.evaluation.length;
  warnings.push(
    `${one} serves for calibration and evaluation: ${length} samples calibrate and ${rest} judge, drawn by name with seed ${seed}`,
  );
  return parts;
}

function isSame(a: string, b: string): boolean {
  return resolve(a) === resolve(b);
}

/** What the pipeline takes from outside: images and arrays, not constants or fed-back states. */
function readingOf(spec: ModelSpec, labels: readonly string[] | undefined): DataReading {
  const inputs = Object.entries(spec.inputs).flatMap(([name, { kind }]) =>
    kind === 'constant' || kind === 'state' ? [] : [name],
  );
  return { inputs, labels, slices: spec.evaluation.slices };
}
