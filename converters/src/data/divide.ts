import { resolve } from 'node:path';
import type { InputSpec, ModelSpec, Pipeline, Session, Tensors } from '@flotilla/model';
import { FlotillaError } from '@flotilla/protocol';
import { readData } from './folder.ts';
import type { DataItem, DataReading, Encoded } from './item.ts';
import { type SampleSet, sampleSet, tensorSet } from './samples.ts';
import { divideByName, shuffleByName } from './split.ts';

/** Disjoint samples to calibrate, to choose settings and to judge by. */
export interface DividedData {
  readonly calibration: SampleSet;
  /** Empty where nothing is chosen. */
  readonly choice: SampleSet;
  readonly evaluation: SampleSet;
  /** True where the calibration samples were made up from the model itself. */
  readonly synthetic: boolean;
  readonly warnings: readonly string[];
}

export interface DataRequest {
  readonly calibration?: string | undefined;
  readonly evaluation?: string | undefined;
  readonly maxCalibration: number;
  readonly maxChoice: number;
  readonly maxEvaluation: number;
  readonly seed: number;
  /** False where nothing will be calibrated: its samples can then serve otherwise. */
  readonly needsCalibration: boolean;
  /** False where no setting is left to choose. */
  readonly needsChoice: boolean;
  /** Makes up inputs for calibration, which then reads no folder; see `calibrate/synthetic.ts`. */
  readonly synthesize?: ((count: number) => Promise<readonly Tensors[]>) | undefined;
}

/** Shares of one folder that serves for everything; the rest judges. */
const CALIBRATION_SHARE = 1 / 3;
const CHOICE_SHARE = 1 / 6;
/** Share of the calibration folder, or with made-up calibration samples of the evaluation folder. */
const OWN_CHOICE_SHARE = 1 / 3;
const MIN_CALIBRATION = 2;
/** Made-up samples are costly, and the hundredth tells what the first ones told. */
const MAX_SYNTHETIC = 64;

/** The model that the data are for. */
export interface DataTaker {
  readonly spec: ModelSpec;
  readonly labels: readonly string[] | undefined;
  readonly pipeline: Pipeline;
  readonly session: Pick<Session, 'inputs'>;
}

interface Parts {
  readonly calibration: readonly DataItem[];
  readonly choice: readonly DataItem[];
  readonly evaluation: readonly DataItem[];
}

/**
 * Reads the data of a conversion and divides it by seeded draws by file name.
 *
 * @throws FlotillaError `data.empty`, `data.invalid`, `data.too-few`
 */
export async function divideData(
  request: DataRequest,
  { spec, labels, pipeline, session }: DataTaker,
): Promise<DividedData> {
  if (request.synthesize !== undefined && request.evaluation === undefined) {
    return await allSynthetic(request, request.synthesize);
  }
  const warnings: string[] = [];
  const read = async (path: string): Promise<readonly DataItem[]> => {
    const { items, warnings: found } = await readData(path, readingOf(spec, labels));
    warnings.push(...found);
    return items;
  };
  const parts = await partsOf(request, read, warnings);
  checkCalibration(request, parts);
  const judged = (items: readonly DataItem[], kind: string) =>
    spec.evaluation.metric === 'top1' ? withLabels(items, kind, warnings) : items;
  const choice = judged(parts.choice, 'choice');
  const evaluation = shuffleByName(judged(parts.evaluation, 'evaluation'), request.seed);
  const most = Math.min(request.maxCalibration, MAX_SYNTHETIC);
  const synthetic = request.needsCalibration ? await request.synthesize?.(most) : undefined;
  const setOf = (items: readonly DataItem[]) => sampleSet(items, pipeline, session.inputs);
  return {
    calibration: synthetic ? tensorSet(synthetic) : setOf(parts.calibration),
    choice: setOf(choice),
    evaluation: setOf(evaluation.slice(0, request.maxEvaluation)),
    synthetic: synthetic !== undefined,
    warnings,
  };
}

async function allSynthetic(
  { maxCalibration, maxChoice, maxEvaluation, needsChoice }: DataRequest,
  synthesize: (count: number) => Promise<readonly Tensors[]>,
): Promise<DividedData> {
  const sizes = [maxCalibration, needsChoice ? maxChoice : 0, maxEvaluation].map((most) =>
    Math.min(most, MAX_SYNTHETIC),
  );
  const made = await synthesize(sizes.reduce((sum, size) => sum + size, 0));
  let start = 0;
  const [calibration, choice, evaluation] = sizes.map((size) => {
    start += size;
    return tensorSet(made.slice(start - size, start), start - size);
  });
  return {
    calibration: calibration ?? tensorSet([]),
    choice: choice ?? tensorSet([]),
    evaluation: evaluation ?? tensorSet([]),
    synthetic: true,
    warnings: ['no data were given: variants are judged by agreement on made-up inputs'],
  };
}

async function partsOf(
  request: DataRequest,
  read: (path: string) => Promise<readonly DataItem[]>,
  warnings: string[],
): Promise<Parts> {
  const { evaluation, seed, needsChoice, needsCalibration, synthesize } = request;
  const calibration = synthesize === undefined ? request.calibration : undefined;
  const needs = { ...request, needsCalibration: needsCalibration && synthesize === undefined };
  const one = calibration ?? evaluation ?? '';
  const apart =
    calibration !== undefined &&
    evaluation !== undefined &&
    resolve(calibration) !== resolve(evaluation);
  if (!apart) {
    const items = await read(one);
    const { parts, rest } = divideByName(items, sizesOfOne(items.length, needs), seed);
    const [first = [], choice = []] = parts;
    const judges = Math.min(rest.length, request.maxEvaluation);
    if (parts.flat().length > 0) warnings.push(dividedWarning(one, parts, judges, seed));
    return { calibration: first, choice, evaluation: rest };
  }
  const judged = await read(evaluation);
  if (!needs.needsCalibration && !needsChoice) {
    return { calibration: [], choice: [], evaluation: judged };
  }
  const items = await read(calibration);
  const { parts } = divideByName(items, sizesOfOwn(items.length, needs), seed);
  const [first = [], choice = []] = parts;
  return { calibration: first, choice, evaluation: judged };
}

/** How many of `count` samples calibrate and choose, where the others judge. */
function sizesOfOne(count: number, request: DataRequest): [number, number] {
  const { maxCalibration, maxChoice, needsCalibration, needsChoice } = request;
  const share = request.synthesize === undefined ? CHOICE_SHARE : OWN_CHOICE_SHARE;
  const calibration = Math.min(maxCalibration, Math.round(count * CALIBRATION_SHARE));
  const choice = Math.min(maxChoice, Math.round(count * share));
  return [needsCalibration ? calibration : 0, needsChoice ? choice : 0];
}

/** How many of `count` samples calibrate and choose, where none needs to judge. */
function sizesOfOwn(count: number, request: DataRequest): [number, number] {
  const { maxCalibration, maxChoice, needsCalibration, needsChoice } = request;
  if (!needsCalibration) return [0, maxChoice];
  if (!needsChoice) return [maxCalibration, 0];
  const calibration = Math.min(maxCalibration, count - Math.round(count * OWN_CHOICE_SHARE));
  return [calibration, maxChoice];
}

function dividedWarning(
  path: string,
  parts: readonly (readonly DataItem[])[],
  judges: number,
  seed: number,
): string {
  const [calibration = [], choice = []] = parts;
  const shares = [
    ...(calibration.length > 0
      ? [
          calibration.length === 1
            ? '1 sample calibrates'
            : `${calibration.length} samples calibrate`,
        ]
      : []),
    ...(choice.length > 0 ? [`${choice.length} choose settings`] : []),
    `${judges} judge`,
  ];
  return `${path} serves for everything: ${shares.join(', ')}, drawn by name with seed ${seed}`;
}

/** @throws FlotillaError `data.too-few` */
function checkCalibration(request: DataRequest, { calibration }: Parts): void {
  const { needsCalibration, synthesize } = request;
  if (!needsCalibration || synthesize !== undefined) return;
  if (calibration.length >= MIN_CALIBRATION) return;
  const folder = request.calibration ?? request.evaluation ?? '';
  throw new FlotillaError('data.too-few', {
    folder,
    samples: calibration.length,
    least: MIN_CALIBRATION,
  });
}

/** The samples that accuracy can be judged by: those with a label, or all where none has one. */
function withLabels(
  items: readonly DataItem[],
  kind: string,
  warnings: string[],
): readonly DataItem[] {
  if (items.length === 0) return items;
  const labeled = items.filter((item) => item.label !== undefined);
  const without = items.length - labeled.length;
  if (labeled.length === 0) {
    warnings.push(`no ${kind} sample has a label: variants are judged by agreement with fp32`);
    return items;
  }
  if (without > 0) {
    const left = without === 1 ? 'sample without a label is' : 'samples without a label are';
    warnings.push(`${without} ${kind} ${left} left out`);
  }
  return labeled;
}

/** What the pipeline takes from outside: images and arrays, states where they are given, no constants. */
function readingOf(spec: ModelSpec, labels: readonly string[] | undefined): DataReading {
  const inputs = Object.entries(spec.inputs);
  const names = (wanted: (kind: InputSpec['kind']) => boolean) =>
    inputs.flatMap(([name, { kind }]) => (wanted(kind) ? [name] : []));
  return {
    inputs: names((kind) => kind !== 'constant' && kind !== 'state'),
    optional: names((kind) => kind === 'state'),
    encoded: encodedOf(inputs.find(([, { kind }]) => kind !== 'constant' && kind !== 'state')?.[1]),
    labels,
    slices: spec.evaluation.slices,
  };
}

function encodedOf(input: InputSpec | undefined): Encoded {
  if (input?.kind === 'audio') return 'sound';
  return input?.kind === 'image' ? 'images' : 'none';
}
