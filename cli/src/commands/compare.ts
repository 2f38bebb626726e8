import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { compareInChild } from '../in-child.ts';
import { byteCount, milliseconds, percent, table } from '../ui/table.ts';

interface Options {
  readonly evaluate: string;
  readonly spec?: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  flotilla compare versions/1/model.onnx versions/2/model.onnx --evaluate images/`;

export function define(command: Command, context: Context): void {
  command
    .argument('<a>', 'ONNX file that the other is compared with')
    .argument('<b>', 'ONNX file or bundle that takes the same input')
    .requiredOption('--evaluate <folder>', 'data, with labels.csv if there is one')
    .option('--spec <file>', 'model spec; default: the one beside the first model')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLE)
    .action((a: string, b: string, options: Options) => compare(a, b, options, context));
}

async function compare(a: string, b: string, options: Options, context: Context): Promise<void> {
  const { evaluate: evaluation, spec } = options;
  const request = { a, b, evaluation, ...(spec === undefined ? {} : { specFile: spec }) };
  const result = await compareInChild(request, context.interrupted);
  if (options.json) context.json(result);
  const { accuracy, latencyMs, bytes } = result;
  const score = (share: number) => (accuracy.metric === 'agreement' ? '–' : percent(share));
  const rows = [
    [a, score(accuracy.fp32), milliseconds(latencyMs.fp32), byteCount(bytes.fp32)],
    [b, score(accuracy.variant), milliseconds(latencyMs.variant), byteCount(bytes.variant)],
  ];
  context.say(table(['model', accuracy.metric, 'latency', 'size'], rows, context.columns));
  const pairs = `${accuracy.lost} lost, ${accuracy.won} won of ${accuracy.samples}`;
  context.say(
    `\n${pairs}; agreement ${percent(accuracy.agreement)}; p = ${accuracy.pValue.toPrecision(2)}`,
  );
  for (const warning of result.warnings) context.say(`! ${warning}`);
}
