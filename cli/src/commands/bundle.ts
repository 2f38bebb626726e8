import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addExamples } from '../ui/examples.ts';
import { byteCount } from '../ui/table.ts';

interface Options {
  readonly out: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  flotilla bundle extract out/parts-2-raspberry-pi-5-int8.flotilla -o model.onnx`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  command
    .command('extract')
    .description('write the ONNX model of a bundle to a file, after every digest was checked')
    .argument('<file>', 'bundle, as flotilla optimize makes it')
    .requiredOption('-o, --out <file>', 'file that is written')
    .option('--force', 'overwrite the file if there is one')
    .option('--json', 'print JSON')
    .action((file: string, options: Options) => extract(file, options, context));
}

async function extract(file: string, options: Options, context: Context): Promise<void> {
  const { extractModel } = await import('../extract-model.ts');
  const made = await extractModel(file, options.out, options.force === true);
  if (options.json) context.json(made);
  const { model, version, target, precision, bytes, digest } = made;
  const what = `${model}@${version} for ${target} in ${precision}, ${byteCount(bytes)}`;
  context.say(`wrote ${made.file}: ${what}\n${digest}`);
}
