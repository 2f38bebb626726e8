/** Makes one int8 model in this process, and prints what that took. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import {
  convert,
  freeTensors,
  loadAhead,
  quantize,
  readData,
  readModel,
  runPasses,
} from '@flotilla/converters';
import type { Tensors } from '@flotilla/model';
import { blobsOf, MEDIA, parseManifest } from '@flotilla/protocol';
import { readBundleFile } from '@flotilla/protocol/node';
import { makeStatic, TARGET } from '../../models/zoo/static-int8.ts';
import type { Cost } from './row.ts';
import type { ChosenSetting, DynamicSetting, Setting, StaticSetting } from './settings.ts';

export interface FlotillaTask {
  readonly setting: Setting;
  readonly modelFile: string;
  readonly specFile: string;
  readonly inputs: readonly string[];
  readonly calibration: string;
  readonly evaluation: string;
  readonly out: string;
}

async function main(): Promise<void> {
  const task: FlotillaTask = JSON.parse(await text(process.stdin));
  const { setting } = task;
  const start = performance.now();
  const chosen =
    setting.kind === 'chosen' ? await choose(task, setting) : await make(task, setting);
  const seconds = (performance.now() - start) / 1000;
  const cost: Cost = { seconds, peakMb: peakMb(), ...(chosen === undefined ? {} : { chosen }) };
  console.log(JSON.stringify(cost));
}

/** The steps that the setting names, and no others. */
async function make(
  { modelFile, inputs, calibration, out }: FlotillaTask,
  setting: StaticSetting | DynamicSetting,
): Promise<undefined> {
  if (setting.kind === 'static') {
    const samples = () => samplesOf(calibration, inputs);
    await writeFile(out, await makeStatic(modelFile, samples, setting, freeTensors));
    return;
  }
  const model = await readModel(modelFile);
  await runPasses(model);
  const scheme = { precision: 'int8-dynamic', float: [] } as const;
  await writeFile(out, (await quantize({ model, scheme, calibration: undefined })).bytes);
}

async function* samplesOf(folder: string, inputs: readonly string[]): AsyncGenerator<Tensors> {
  const { items } = await readData(folder, { inputs });
  // The bench writes arrays only: a sample is what the model is fed.
  yield* loadAhead(items, async (item) => (await item.load()) as Tensors);
}

/** The whole way: search, verification and bundle. */
async function choose(task: FlotillaTask, { precisions }: ChosenSetting): Promise<string> {
  const { modelFile, specFile, calibration, evaluation, out } = task;
  const folder = `${out}.d`;
  const { variants, searches } = await convert({
    modelFile,
    specFile,
    version: 1,
    targets: [TARGET],
    precisions,
    calibration,
    evaluation,
    out: folder,
  });
  const [variant] = variants;
  if (!variant?.file) throw new Error(`no variant was made: ${variant?.warnings.join('; ')}`);
  const { manifestBytes, blobs } = await readBundleFile(variant.file);
  const manifest = parseManifest(manifestBytes);
  const model = blobsOf(manifest).find(({ mediaType }) => mediaType === MEDIA.model);
  const bytes = blobs.get(model?.digest ?? 'sha256:');
  if (bytes === undefined) throw new Error(`${variant.file} holds no model`);
  await writeFile(out, bytes);
  const found = searches[0]?.candidates.find((candidate) => candidate.chosen);
  return found?.name ?? variant.precision;
}

/** Highest resident memory since this program began, worker threads included. */
function peakMb(): number {
  const status = readFileSync('/proc/self/status', 'utf8');
  return Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

await main();
