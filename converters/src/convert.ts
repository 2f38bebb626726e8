import type { TargetProfile } from '@flotilla/targets';
import { makeBundle, writeBundles } from './bundle.ts';
import { type Conversion, openConversion } from './conversion.ts';
import { divideData } from './data/divide.ts';
import { readOnnxFile as readModel } from './formats/onnx/file.ts';
import { totalLength } from './formats/onnx/payloads.ts';
import { onnxPieces, writeOnnx } from './formats/onnx/write.ts';
import { graphSize } from './graph-size.ts';
import { handOver, type Made } from './hand-over.ts';
import { checkWeights } from './ir/finite.ts';
import { type Model, opsetOf } from './ir/graph.ts';
import { checkOutFolder } from './out-folder.ts';
import { cutModel } from './passes/cut.ts';
import { fixShapes } from './passes/fix-shape.ts';
import { runPasses } from './passes/index.ts';
import { type Plan, planConversion, refusals } from './plan.ts';
import { checkFloatNames } from './quantize/float-names.ts';
import type { Scheme } from './quantize/scheme.ts';
import { differences, recipeOf } from './recipe.ts';
import { assess, withheld, withWarning, writeReport } from './report.ts';
import type { ConvertRequest, OnProgress } from './request.ts';
import type { ConvertResult, TargetSearch, VariantReport } from './result.ts';
import { latencyOn, measuredHere, timedOf } from './search/latency-of.ts';
import { reportOf, search } from './search/search.ts';
import { openSource, withConstants } from './source.ts';
import { synthesizer } from './synthesizer.ts';
import { type MeasureLatency, measureLatency } from './verify/latency.ts';

/**
 * Makes verified variants of a model for hardware targets, and writes each that passes as a signed
 * bundle. The model runs in this process: where it is not trusted, have `runLimited` call `child.ts`.
 *
 * @param measure times models on this machine
 * @throws FlotillaError naming the file, node, target or precision at fault; nothing is written then
 */
export async function convert(
  asked: ConvertRequest,
  onProgress: OnProgress = () => {},
  measure: MeasureLatency = measureLatency,
): Promise<ConvertResult> {
  const plan = await planConversion(asked);
  const { request, settings } = plan;
  await checkOutFolder(request.out);
  onProgress({ step: 'read', done: 0, total: 1 });
  const { modelFile, specFile, cut, fixShape } = request;
  const model = await readModel(modelFile);
  checkWeights(model);
  if (cut !== undefined) cutModel(model, cut);
  const opened = await openSource(modelFile, specFile, cut && writeOnnx(model));
  const before = graphSize(model, opened.modelBytes);
  const source = await withConstants(opened, model);
  try {
    if (fixShape !== undefined) fixShapes(model, fixShape);
    const synthetic = synthesizer(plan, source, model, onProgress);
    const draw = { ...settings, ...plan, synthesize: synthetic?.make };
    const data = await divideData(draw, source);
    onProgress({ step: 'passes', done: 0, total: 1 });
    const passes = await runPasses(model, passOptions(request));
    checkFloatNames(model.graph, floatNames(plan));
    const graph = { before, after: graphSize(model, fileLength(model)), passes };
    const ready = { plan, source, model, passes, data, measure, onProgress };
    const conversion = await openConversion(ready);
    const { variants, searches, warnings } = await makeVariants(conversion);
    const notes = [...passes.flatMap((pass) => pass.notes), ...(synthetic?.notes ?? [])];
    const result = { ...aboutModel(conversion), graph, searches, variants, warnings, notes };
    await writeReport(result, request.out);
    onProgress({ step: 'bundle', done: variants.length, total: variants.length });
    return result;
  } finally {
    await source.session.dispose();
  }
}

/** For each target: searches, verifies what was found, and writes what stands. */
async function makeVariants(
  conversion: Conversion,
): Promise<Pick<ConvertResult, 'variants' | 'searches' | 'warnings'>> {
  const { plan, source, data, draw, onProgress } = conversion;
  const warnings = [...data.warnings, ...differences(plan.recipe, source, draw)];
  const searches: TargetSearch[] = [];
  const made: Made[] = [];
  for (const goal of plan.goals) {
    const found = await search(conversion, goal);
    const handed = await handOver(found, (scheme) =>
      makeVariant(conversion, goal.profile, scheme, goal.auto),
    );
    made.push(...handed.made);
    warnings.push(...refusals(goal), ...found.impossible);
    searches.push(reportOf(found, handed));
  }
  warnings.push(...conversion.latency.measurements.complaints());
  onProgress({ step: 'bundle', done: 0, total: made.length });
  return { variants: await writeVariants(made, plan.request), searches, warnings };
}

function aboutModel({
  plan,
  source,
  model,
  data,
}: Conversion): Pick<ConvertResult, 'model' | 'version' | 'source' | 'data'> {
  const { modelFile, modelBytes, digest, spec } = source;
  return {
    model: spec.name,
    version: plan.request.version,
    source: { file: modelFile, digest, bytes: modelBytes, opset: opsetOf(model) },
    data: {
      calibration: data.calibration.items.length,
      choice: data.choice.items.length,
      evaluation: data.evaluation.items.length,
      synthetic: data.synthetic,
    },
  };
}

/** Of the request, or of the recipe that stands in its place. */
function floatNames({ request, recipe }: Plan): readonly string[] {
  if (recipe === undefined) return request.scheme?.float ?? [];
  return 'float' in recipe.scheme ? recipe.scheme.float : [];
}

const fileLength = (model: Model): number => totalLength(onnxPieces(model));

function passOptions({ passes, keep }: ConvertRequest): Parameters<typeof runPasses>[1] {
  return { ...(passes && { passes }), ...(keep && { keep: new Set(keep) }) };
}

/** From a scheme to a verified variant, and to its bundle where nothing speaks against it. */
async function makeVariant(
  conversion: Conversion,
  profile: TargetProfile,
  scheme: Scheme,
  auto: boolean,
): Promise<Made> {
  const { plan, source, workshop, work, data } = conversion;
  const calibration = await workshop.calibrate(scheme);
  const variant = await workshop.quantize(scheme, calibration);
  const verification = await workshop.verify(variant);
  const hostLatency = measuredHere(verification.latency, conversion.latency);
  const origin = { ...conversion.latency, profile };
  const latency = await latencyOn(origin, await timedOf(variant), async () => hostLatency);
  const { synthetic } = data;
  const assessment = assess({
    variant,
    verification,
    profile,
    latency,
    hostLatency,
    work,
    synthetic,
  });
  const reason = withheld(assessment, auto);
  if (reason !== undefined) {
    return { assessment: withWarning(assessment, reason), bundle: undefined };
  }
  const { version } = plan.request;
  const { epoch } = plan.settings;
  const recipe = recipeOf(conversion, profile.id, scheme);
  const parts = { source, version, epoch, profile, variant, verification, recipe, work };
  return { assessment, bundle: await makeBundle(parts) };
}

async function writeVariants(
  made: readonly Made[],
  { out, signing }: ConvertRequest,
): Promise<VariantReport[]> {
  const bundles = made.flatMap(({ bundle }) => (bundle === undefined ? [] : [bundle]));
  const files = await writeBundles(bundles, out, signing);
  return made.map(({ assessment, bundle }) => {
    const { target, precision, ...rest } = assessment;
    const written = bundle && files[bundles.indexOf(bundle)];
    const file = written?.file ?? null;
    const recipeFile = written?.recipeFile ?? null;
    return { target, precision, file, digest: bundle?.digest ?? null, recipeFile, ...rest };
  });
}
