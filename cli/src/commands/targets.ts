import { TARGETS } from '@flotilla/targets';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { table } from '../ui/table.ts';

const EXAMPLE = `
Example:
  flotilla targets
  flotilla targets --json`;

export function define(command: Command, context: Context): void {
  command
    .option('--json', 'print JSON')
    .addHelpText('after', EXAMPLE)
    .action((options: { json?: boolean }) => list(options, context));
}

function list(options: { json?: boolean }, context: Context): void {
  const profiles = Object.values(TARGETS);
  const rows = profiles.map((target) => [
    target.id,
    target.name,
    target.precisions.join(', '),
    `${target.maxOpset}`,
    `${Math.round(target.memoryBytes / 2 ** 30)} GB`,
  ]);
  if (options.json) context.json({ targets: profiles });
  const head = ['target', 'hardware', 'precisions, best first', 'opset', 'memory'];
  context.say(table(head, rows, context.columns));
}
