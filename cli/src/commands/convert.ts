import type { PassReport, RewriteRequest, RewriteResult } from '@flotilla/converters';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { defineGraphOptions, type GraphOptions, graphRequest } from '../graph-options.ts';
import { rewriteInChild } from '../in-child.ts';
import { readCount } from '../numbers.ts';
import { refuseBundle } from '../only-onnx.ts';
import { byteCount, table } from '../ui/table.ts';

interface Options extends GraphOptions {
  readonly out: string;
  readonly opset?: string;
  readonly externalData?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Examples:
  flotilla convert model.onnx -o smaller.onnx
  flotilla convert model.onnx -o fixed.onnx --fix-shape image=1x3x224x224 --opset 17
  flotilla convert model.onnx -o head.onnx --outputs features
  flotilla convert model.onnx -o folded.onnx --passes constant-folding,conv-batchnorm --keep logits`;

export function define(command: Command, context: Context): void {
  command
    .argument('<model>', 'ONNX file')
    .requiredOption('-o, --out <file>', 'file that is written')
    .option('--opset <number>', 'lowest opset of the result; default 13')
    .option('--external-data', 'write weights to a file beside the model')
    .option('--json', 'print JSON');
  defineGraphOptions(command);
  command
    .addHelpText('after', EXAMPLE)
    .action((model: string, options: Options) => convert(model, options, context));
}

async function convert(model: string, options: Options, context: Context): Promise<void> {
  const { out, opset, externalData = false } = options;
  const request: RewriteRequest = {
    modelFile: model,
    out,
    ...graphRequest(options),
    ...(opset === undefined ? {} : { opset: readCount('--opset', opset) }),
    externalData,
  };
  await refuseBundle(model);
  const result = await rewriteInChild(request, context.interrupted);
  if (options.json) context.json(result);
  context.say(summarize(result, context.columns));
}

function summarize(
  { files, before, after, opset, passes, check }: RewriteResult,
  columns: number,
): string {
  const sizes = [
    ['before', `${before.nodes}`, before.parameters.toLocaleString('en'), byteCount(before.bytes)],
    ['after', `${after.nodes}`, after.parameters.toLocaleString('en'), byteCount(after.bytes)],
  ];
  return [
    table(['', 'nodes', 'parameters', 'size'], sizes, columns),
    passesText(passes, columns),
    `wrote ${files.join(' and ')} (opset ${opset}); ${checkText(check)}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

/** Lines of one pass that a terminal shows; `--json` has all. */
const MOST_LINES = 3;

function passesText(passes: readonly PassReport[], columns: number): string {
  const rows = passes
    .filter(({ changed, declined, notes }) => changed + declined.length + notes.length > 0)
    .flatMap((report) => {
      const lines = [...report.notes, ...report.did, ...report.declined.map((line) => `✗ ${line}`)];
      const shown = lines.slice(0, lines.length > MOST_LINES + 1 ? MOST_LINES : lines.length);
      const rest = lines.length - shown.length;
      const all = rest > 0 ? [...shown, `and ${rest} more`] : shown;
      return (all.length > 0 ? all : ['']).map((line, i) =>
        i === 0 ? [report.pass, `${report.changed}`, line] : ['', '', line],
      );
    });
  return rows.length === 0 ? '' : table(['pass', 'changes', 'what'], rows, columns);
}

function checkText({ runs, difference, notes }: RewriteResult['check']): string {
  return [...(difference === null ? [] : [differenceText(runs, difference)]), ...notes].join('; ');
}

function differenceText(runs: number, difference: number): string {
  const inputs = `on ${runs} made-up inputs`;
  if (difference === 0) return `the results are the same ${inputs}`;
  return `results differ by at most ${difference.toPrecision(1)} of the largest ${inputs}`;
}
