import { type FlotillaError, isFlotillaError } from '@flotilla/protocol';
import { type TargetId, type TargetProfile, targetById } from '@flotilla/targets';
import { type Bundle, makeBundle, writeBundles } from './bundle.ts';
import { divideData } from './data/divide.ts';
import { readOnnxFile as readModel } from './formats/onnx/file.ts';
import { checkOutFolder } from './out-folder.ts';
import { type PassReport, runPasses } from './passes/index.ts';
import type { Makeable } from './precisions.ts';
import { recipeOf } from './recipe.ts';
import { type Assessment, aboutModel, assess, withheld, writeReport } from './report.ts';
import type { ConvertRequest, ConvertResult, OnProgress, VariantReport } from './request.ts';
import { precisionsFor, type Settings, settingsOf } from './settings.ts';
import { openSource, type Source } from './source.ts';
import { hostTarget } from './verify/host.ts';
import { makeReference, type Reference } from './verify/verify.ts';
import { openWorkshop, type Workshop } from './workshop.ts';

/**
 * Makes verified variants of a model for hardware targets, and writes each that passes as a signed
 * bundle. The model runs in this process: where it is not trusted, have `runLimited` call `child.ts`.
 *
 * @throws FlotillaError naming the file, node, target or precision at fault; nothing is written then
 */
export async function convert(
  request: ConvertRequest,
  onProgress: OnProgress = () => {},
): Promise<ConvertResult> {
  const settings = settingsOf(request);
  const profiles = request.targets.map((target) => targetById(target));
  const plan = profiles.flatMap((profile) =>
    precisionsFor(profile, request.precisions).map((precision) => ({ profile, precision })),
  );
  await checkOutFolder(request.out);
  onProgress({ step: 'read', done: 0, total: 1 });
  const model = await readModel(request.modelFile);
  const passes = await runPasses(model);
  const source = await openSource(request.modelFile, request.specFile);
  try {
    const { spec, labels, pipeline } = source;
    const needsCalibration = plan.some(({ precision }) => precision === 'int8');
    const data = await divideData({ ...settings, needsCalibration }, spec, labels, pipeline);
    const reference = await makeReference(source, model, data, onProgress);
    const maxDrop = request.maxDrop ?? spec.evaluation.maxDrop;
    const workshop = openWorkshop(reference, { ...settings, maxDrop, onProgress });
    const host = await hostTarget();
    const conversion = { request, settings, passes, source, reference, workshop, host };
    const warnings = [...data.warnings];
    const made: Made[] = [];
    for (const { profile, precision } of plan) {
      const variant = await makeVariant(conversion, profile, precision, warnings);
      if (variant !== undefined) made.push(variant);
    }
    onProgress({ step: 'bundle', done: 0, total: made.length });
    const variants = await writeAll(made, request);
    const notes = passes.flatMap((pass) => pass.notes);
    const result = { ...aboutModel(request, reference), variants, warnings, notes };
    await writeReport(result, request.out);
    onProgress({ step: 'bundle', done: made.length, total: made.length });
    return result;
  } finally {
    await source.session.dispose();
  }
}

interface Conversion {
  readonly request: ConvertRequest;
  readonly settings: Settings;
  readonly passes: readonly PassReport[];
  readonly source: Source;
  readonly reference: Reference;
  readonly workshop: Workshop;
  readonly host: TargetId | undefined;
}

interface Made {
  readonly assessment: Assessment;
  /** Undefined where the variant is not handed on. */
  readonly bundle: Bundle | undefined;
}

async function makeVariant(
  { request, settings, passes, source, reference, workshop, host }: Conversion,
  profile: TargetProfile,
  precision: Makeable,
  warnings: string[],
): Promise<Made | undefined> {
  const { version } = request;
  const auto = request.precisions === 'auto';
  try {
    const ranges = await workshop.calibrate(precision);
    const variant = await workshop.quantize(precision, profile, ranges);
    const verification = await workshop.verify(variant, profile);
    const assessment = assess(variant, verification, reference, profile, host);
    const reason = withheld(assessment, auto);
    if (reason !== undefined)
      return { assessment: withWarning(assessment, reason), bundle: undefined };
    const samples = reference.data.calibration.items.length;
    const recipe = recipeOf(variant, profile, passes, settings, samples);
    const { epoch } = settings;
    const parts = { source, version, epoch, profile, variant, verification, recipe };
    return { assessment, bundle: await makeBundle({ ...parts, work: reference.work }) };
  } catch (error) {
    if (!auto || !isUnfit(error)) throw error;
    warnings.push(`${profile.id}: ${error.message}`);
    return undefined;
  }
}

/** A fault of one precision, which says nothing against the others. */
function isUnfit(error: unknown): error is FlotillaError {
  return (
    isFlotillaError(error, 'quantize.impossible') || isFlotillaError(error, 'runtime.load-failed')
  );
}

function withWarning(assessment: Assessment, reason: string): Assessment {
  return { ...assessment, warnings: [`no bundle was written: ${reason}`, ...assessment.warnings] };
}

async function writeAll(
  made: readonly Made[],
  { out, signing }: ConvertRequest,
): Promise<VariantReport[]> {
  const bundles = made.flatMap(({ bundle }) => (bundle === undefined ? [] : [bundle]));
  const files = await writeBundles(bundles, out, signing);
  return made.map(({ assessment, bundle }) => {
    const { target, precision, ...rest } = assessment;
    const file = bundle === undefined ? null : (files[bundles.indexOf(bundle)] ?? null);
    return { target, precision, file, digest: bundle?.digest ?? null, ...rest };
  });
}
