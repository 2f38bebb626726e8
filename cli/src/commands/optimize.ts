import { resolve } from 'node:path';
import type { ConvertRequest, ConvertResult, Progress, VariantReport } from '@flotilla/converters';
import { MAKEABLE } from '@flotilla/converters/precisions';
import { FlotillaError, type Precision } from '@flotilla/protocol';
import { TARGET_IDS, type TargetId, targetById } from '@flotilla/targets';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { convertInChild } from '../in-child.ts';
import { localKey } from '../local-key.ts';
import { readNumber } from '../numbers.ts';
import { byteCount, milliseconds, percent, table } from '../ui/table.ts';

interface Options {
  readonly target: string;
  readonly precision: string;
  readonly spec?: string;
  readonly calibration?: string;
  readonly evaluate?: string;
  readonly out: string;
  readonly maxDrop?: string;
  readonly modelVersion: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Targets: ${TARGET_IDS.join(', ')}

Example:
  flotilla optimize model.onnx --target raspberry-pi-5,jetson-orin --calibration images/ --evaluate images/ -o out/
  flotilla optimize model.onnx --spec model.yaml --target x86-64 --precision int8 --calibration images/ --json`;

export function define(command: Command, context: Context): void {
  command
    .argument('<model>', 'ONNX file')
    .requiredOption('--target <targets>', 'hardware targets, separated by commas')
    .option('--precision <precisions>', `auto, or some of ${MAKEABLE.join(', ')}`, 'auto')
    .option('--spec <file>', 'model spec; default: model.yaml or MODEL.yaml beside the model')
    .option('--calibration <folder>', 'data that int8 ranges are read from')
    .option(
      '--evaluate <folder>',
      'data that variants are judged on, with labels.csv if there is one',
    )
    .option('-o, --out <folder>', 'where the bundles go', 'out')
    .option('--max-drop <points>', 'largest net loss of accuracy in percentage points')
    .option('--model-version <number>', 'version that the bundles carry', '1')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLE)
    .action((model: string, options: Options) => optimize(model, options, context));
}

async function optimize(model: string, options: Options, context: Context): Promise<void> {
  const key = await localKey(context.settings.home);
  const request = {
    ...requestOf(model, options),
    signing: { keyPair: key.keyPair, fleet: 'local' },
  };
  const progress = context.progress();
  const show = (at: Progress) => progress.update(label(at), at.done / Math.max(1, at.total));
  const result = await convertInChild(request, show, context.interrupted);
  progress.clear();
  if (options.json) context.json(result);
  if (key.isNew) context.say(`made a local signing key: ${key.file}`);
  context.say(summary(result));
  for (const line of warnings(result)) context.say(`! ${line}`);
  if (result.variants.every(({ file }) => file === null)) {
    const reason = result.variants[0]?.warnings[0] ?? 'no variant could be made';
    throw new FlotillaError('optimize.nothing-written', { model, reason });
  }
}

/** @throws FlotillaError `target.unknown`, `cli.usage` */
function requestOf(model: string, options: Options): ConvertRequest {
  const targets = words(options.target).map((id): TargetId => targetById(id).id);
  const maxDrop =
    options.maxDrop === undefined ? {} : { maxDrop: readNumber(options.maxDrop) / 100 };
  return {
    modelFile: resolve(model),
    ...(options.spec === undefined ? {} : { specFile: resolve(options.spec) }),
    ...(options.calibration === undefined ? {} : { calibration: resolve(options.calibration) }),
    ...(options.evaluate === undefined ? {} : { evaluation: resolve(options.evaluate) }),
    ...maxDrop,
    version: readNumber(options.modelVersion),
    targets,
    precisions: options.precision === 'auto' ? 'auto' : words(options.precision).map(precision),
    out: resolve(options.out),
  };
}

const words = (list: string): string[] => list.split(',').map((word) => word.trim());

function precision(name: string): Precision {
  const found = MAKEABLE.find((known) => known === name);
  if (found !== undefined) return found;
  const reason = `no precision ${name}: use auto or some of ${MAKEABLE.join(', ')}`;
  throw new FlotillaError('cli.usage', { reason });
}

function label({ step, target, precision: of }: Progress): string {
  return [step, target, of].filter((part) => part !== undefined).join(' ');
}

function summary({ model, variants }: ConvertResult): string {
  const rows = variants.map((variant) => [
    variant.target,
    variant.precision,
    byteCount(variant.bytes),
    accuracyText(variant),
    percent(variant.accuracy.agreement),
    latencyText(variant),
    variant.file ?? 'not written',
  ]);
  const head = ['target', 'precision', 'model', 'accuracy', 'agreement', 'latency', 'bundle'];
  return `${model}\n\n${table(head, rows)}`;
}

function accuracyText({ accuracy }: VariantReport): string {
  if (accuracy.metric === 'agreement') return 'no labels';
  const pairs = `${accuracy.lost} lost, ${accuracy.won} won`;
  return `${percent(accuracy.fp32)} → ${percent(accuracy.variant)} (${pairs})`;
}

function latencyText({ latencyMs }: VariantReport): string {
  const ratio = (latencyMs.variant / latencyMs.fp32).toFixed(2);
  const source = latencyMs.estimated ? 'estimated' : 'measured here';
  return `${milliseconds(latencyMs.variant)}, ${ratio} × fp32, ${source}`;
}

function warnings({ warnings: shared, variants }: ConvertResult): string[] {
  const own = variants.flatMap(({ target, precision: of, warnings: texts }) =>
    texts.map((text) => `${target} ${of}: ${text}`),
  );
  return [...shared, ...own];
}
