import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { benchInChild } from '../in-child.ts';
import { readCount } from '../numbers.ts';
import { byteCount, milliseconds, table } from '../ui/table.ts';

interface Options {
  readonly runs: string;
  readonly threads: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  flotilla bench examples/parts-inspection/versions/2/model.onnx
  flotilla bench fp32.onnx int8.onnx --runs 200 --threads 2`;

export function define(command: Command, context: Context): void {
  command
    .argument('<models...>', 'ONNX files or bundles')
    .option('--runs <count>', 'timed runs of each model', '50')
    .option('--threads <count>', 'threads within one operator', '1')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLE)
    .action((models: string[], options: Options) => benchAll(models, options, context));
}

async function benchAll(models: string[], options: Options, context: Context): Promise<void> {
  const progress = context.progress();
  const results = [];
  for (const [index, model] of models.entries()) {
    progress.update(`measuring ${model}`, index / models.length);
    const request = {
      modelFile: model,
      runs: readCount('--runs', options.runs),
      threads: readCount('--threads', options.threads),
    };
    results.push({ model, ...(await benchInChild(request, context.interrupted)) });
  }
  progress.clear();
  if (options.json) context.json({ models: results });
  const rows = results.map(({ model, bytes, loadMs, latencyMs }) => [
    model,
    byteCount(bytes),
    milliseconds(loadMs),
    milliseconds(latencyMs.p50),
    milliseconds(latencyMs.p95),
  ]);
  context.say(table(['model', 'size', 'load', 'p50', 'p95'], rows, context.columns));
  const on = results[0]?.latencyMs.measuredOn;
  if (on === undefined) return;
  const threads = on.threads === 1 ? '1 thread' : `${on.threads} threads`;
  context.say(`\n${on.cpu}, ${on.provider}, ${threads}`);
}
