import { CALIBRATION_METHODS, type CalibrationMethod } from './calibrate/methods.ts';
import type { DividedData } from './data/divide.ts';
import { someOf } from './data/samples.ts';
import type { Model } from './ir/graph.ts';
import type { PassReport } from './passes/index.ts';
import type { Plan } from './plan.ts';
import { type DataDraw, drawnOf } from './recipe.ts';
import type { OnProgress } from './request.ts';
import type { LatencySource } from './search/latency-of.ts';
import { NO_MEASUREMENTS, readMeasurements } from './search/measurements.ts';
import type { Source } from './source.ts';
import { type Judge, openJudge } from './verify/evaluate.ts';
import { hostTarget } from './verify/host.ts';
import { type MeasureLatency, timeRun } from './verify/latency.ts';
import { probesOf } from './verify/verify.ts';
import { countWork, type Work } from './verify/work.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

interface ConversionInput {
  readonly plan: Plan;
  readonly source: Source;
  /** fp32, after the passes. */
  readonly model: Model;
  readonly passes: readonly PassReport[];
  readonly data: DividedData;
  readonly measure: MeasureLatency;
  readonly onProgress: OnProgress;
}

/** What all targets of a conversion share. */
export interface Conversion extends ConversionInput {
  readonly maxDrop: number;
  readonly work: Work;
  readonly workshop: Workshop;
  /** Judges on a few of the choice samples. */
  readonly probe: Judge;
  readonly latency: Omit<LatencySource, 'profile'>;
  readonly draw: DataDraw;
}

/** Samples that tell sensitive nodes from others. */
const PROBE_SAMPLES = 16;

/** Runs the model as it is on the samples, and makes ready what searching and verifying work with. */
export async function openConversion(input: ConversionInput): Promise<Conversion> {
  const { plan, source, model, data, measure, onProgress } = input;
  const { request, settings } = plan;
  const { session, pipeline, runtime, spec } = source;
  const probes = await probesOf(data.evaluation);
  const runner = { runtime, runMs: await timeRun(session, probes[0] ?? {}) };
  const fp32 = { model: source.runs, session, pipeline, runner };
  const total = data.evaluation.items.length + data.choice.items.length;
  const judgeOf = (samples: DividedData['evaluation'], before: number): Promise<Judge> => {
    const onSample = (done: number) => onProgress({ step: 'read', done: before + done, total });
    return openJudge({ ...fp32, samples, onSample });
  };
  const judge = await judgeOf(data.evaluation, 0);
  const choice = await judgeOf(data.choice, data.evaluation.items.length);
  const probe = await openJudge({ ...fp32, samples: someOf(data.choice, PROBE_SAMPLES) });
  const work = await countWork(model, probes[0] ?? {}, runtime);
  const maxDrop = request.maxDrop ?? spec.evaluation.maxDrop;
  const methods = observedMethods(plan);
  const { latencyRuns } = settings;
  const verifying = { source, judge, probes, maxDrop, latencyRuns, measure };
  return {
    ...input,
    maxDrop,
    work,
    workshop: openWorkshop({ ...verifying, model, data, choice, methods, onProgress }),
    probe,
    latency: await latencySource(plan, source, work),
    draw: await drawOf(plan, data),
  };
}

/** The fewest that the search or the settled schemes ask for; min/max is there for the report. */
function observedMethods({ goals, settings }: Plan): CalibrationMethod[] {
  const settled = goals.flatMap(({ settled: schemes }) =>
    (schemes ?? []).flatMap((scheme) => ('method' in scheme ? [scheme.method] : [])),
  );
  const searched = goals.some((goal) => goal.settled === undefined);
  const { method } = settings.fixed;
  const open = method === undefined ? CALIBRATION_METHODS : [method];
  return [...new Set<CalibrationMethod>(['min-max', ...settled, ...(searched ? open : [])])];
}

async function latencySource(
  { request, goals }: Plan,
  { digest, session }: Source,
  work: Work,
): Promise<Omit<LatencySource, 'profile'>> {
  const targets = goals.map(({ profile }) => profile.id);
  const { measurementsFile: file } = request;
  const measurements =
    file === undefined ? NO_MEASUREMENTS : await readMeasurements(file, targets, digest);
  return { host: await hostTarget(), provider: session.provider, work, measurements };
}

async function drawOf({ settings, ...plan }: Plan, data: DividedData): Promise<DataDraw> {
  const { seed, maxCalibration, maxChoice, maxEvaluation } = settings;
  const { needsCalibration, needsChoice } = plan;
  return {
    seed,
    maxCalibration,
    maxChoice,
    maxEvaluation,
    synthetic: data.synthetic,
    needsCalibration,
    needsChoice,
    calibration: await drawnOf(data.calibration.items),
    evaluation: await drawnOf(data.evaluation.items),
  };
}
