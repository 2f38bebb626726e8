import { join } from 'node:path';
import type { ConvertResult } from '@flotilla/converters';
import { MAKEABLE } from '@flotilla/converters/precisions';
import { FlotillaError } from '@flotilla/protocol';
import { TARGET_IDS } from '@flotilla/targets';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { defineGraphOptions } from '../graph-options.ts';
import { convertInChild } from '../in-child.ts';
import { localKey } from '../local-key.ts';
import { refuseBundle } from '../only-onnx.ts';
import { targetOfRecipe } from '../optimize/recipe-target.ts';
import { type OptimizeOptions, optimizeRequest } from '../optimize/request.ts';
import { defineSchemeOptions } from '../optimize/scheme-options.ts';
import { summarize } from '../optimize/summary.ts';
import { showSteps } from '../ui/steps.ts';

const EXAMPLE = `
Targets: ${TARGET_IDS.join(', ')}

Example:
  flotilla optimize model.onnx --target raspberry-pi-5,jetson-orin --calibration images/ --evaluate images/ -o out/
  flotilla optimize model.onnx --spec model.yaml --target x86-64 --precision int8 --calibration images/ --json
  flotilla optimize model.onnx --target x86-64 --calibration synthetic --evaluate images/ --max-drop 0.5
  flotilla optimize model.onnx --recipe out/parts-1-x86-64-int8-recipe.json --evaluate images/`;

export function define(command: Command, context: Context): void {
  command
    .argument('<model>', 'ONNX file')
    .option(
      '--target <targets>',
      'hardware targets, separated by commas; default: that of --recipe',
    )
    .option('--precision <precisions>', `auto, or some of ${MAKEABLE.join(', ')}`, 'auto')
    .option('--spec <file>', 'model spec; default: model.yaml or MODEL.yaml beside the model')
    .option(
      '--calibration <folder>',
      'data that ranges are read from, or synthetic: made up from the model',
    )
    .option(
      '--evaluate <folder>',
      'data that variants are judged on, with labels.csv if there is one',
    )
    .option('-o, --out <folder>', 'where the bundles go', 'out')
    .option('--max-drop <points>', 'largest net loss of accuracy in percentage points')
    .option('--model-version <number>', 'version that the bundles carry', '1')
    .option('--recipe <file>', 'make the variant of this recipe again, without a search')
    .option('--measurements <file>', 'latencies measured on devices (flotilla bench --json)')
    .option('--max-calibration <count>', 'most samples that calibrate')
    .option('--max-choice <count>', 'most samples that settings are chosen by')
    .option('--max-evaluation <count>', 'most samples that judge')
    .option('--seed <number>', 'of the draws of samples')
    .option('--json', 'print JSON');
  defineGraphOptions(command);
  defineSchemeOptions(command);
  command
    .addHelpText('after', EXAMPLE)
    .action((model: string, options: Options) => optimize(model, options, context));
}

type Options = Omit<OptimizeOptions, 'target'> & { readonly target?: string };

async function optimize(model: string, options: Options, context: Context): Promise<void> {
  const target = options.target ?? (await targetOfRecipe(options.recipe));
  const asked = optimizeRequest(model, { ...options, target });
  await refuseBundle(model);
  const key = await localKey(context.settings.home);
  const request = { ...asked, signing: { keyPair: key.keyPair, fleet: 'local' } };
  const progress = context.progress();
  const result = await convertInChild(request, showSteps(progress), context.interrupted);
  progress.clear();
  if (options.json) context.json(result);
  if (key.isNew) context.say(`made a local signing key: ${key.file}`);
  context.say(summarize(result, reportFile(result, options.out), context.columns));
  if (result.variants.every(({ file }) => file === null)) {
    const reason = result.variants[0]?.warnings[0] ?? 'no variant could be made';
    throw new FlotillaError('optimize.nothing-written', { model, reason });
  }
}

function reportFile({ model, version }: ConvertResult, out: string): string {
  return join(out, `${model}-${version}-report.html`);
}
