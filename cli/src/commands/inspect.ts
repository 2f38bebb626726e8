import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { byteCount, table } from '../ui/table.ts';

const EXAMPLE = `
Example:
  flotilla inspect examples/parts-inspection/versions/2/model.onnx
  flotilla inspect out/parts-2-x86-64-int8.flotilla
  flotilla inspect model.onnx --json`;

export function define(command: Command, context: Context): void {
  command
    .argument('<file>', 'ONNX file or bundle')
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLE)
    .action((file: string, options: { json?: boolean }) => show(file, options, context));
}

async function show(file: string, options: { json?: boolean }, context: Context): Promise<void> {
  if (file.endsWith('.flotilla')) {
    const { inspectBundle } = await import('./inspect-bundle.ts');
    return inspectBundle(file, options.json === true, context);
  }
  const { inspect } = await import('@flotilla/converters');
  const found = await inspect(file);
  if (options.json) context.json(found);
  const tensors = [
    ...found.inputs.map((tensor) => ['input', tensor.name, tensor.type, shapeText(tensor.shape)]),
    ...found.outputs.map((tensor) => ['output', tensor.name, tensor.type, shapeText(tensor.shape)]),
  ];
  const ops = Object.entries(found.ops).sort(([, a], [, b]) => b - a);
  context.say(
    `${file}: ${found.format}, opset ${found.opset}, ${found.parameters.toLocaleString('en')} parameters, ${byteCount(found.bytes)}`,
  );
  context.say();
  context.say(table(['', 'name', 'type', 'shape'], tensors, context.columns));
  context.say();
  context.say(
    table(
      ['op', 'count'],
      ops.map(([op, count]) => [op, `${count}`]),
      context.columns,
    ),
  );
}

const shapeText = (shape: readonly (number | string)[]): string => `[${shape.join(', ')}]`;
