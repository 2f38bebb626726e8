import type { Command } from 'commander';
import { type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { table } from '../ui/table.ts';

interface Alert {
  id: string;
  scope: string;
  model: string;
  version: number;
  feature: string;
  state: string;
  sentence: string;
}

const EXAMPLE = `
Example:
  flotilla drift`;

export function define(command: Command, context: Context): void {
  withApiOptions(command, context)
    .addHelpText('after', EXAMPLE)
    .action((options: ApiOptions & { json?: boolean }) => list(options, context));
}

async function list(options: ApiOptions & { json?: boolean }, context: Context): Promise<void> {
  const items = await connect(options).all<Alert>('/drift');
  if (options.json) context.json({ alerts: items });
  if (items.length === 0) {
    context.say('no drift alerts');
    return;
  }
  const rows = items.map((a) => [
    `${a.model}@${a.version}`,
    a.scope,
    a.feature,
    a.state,
    a.sentence,
  ]);
  context.say(
    table(['model', 'scope', 'feature', 'state', 'what was seen'], rows, context.columns),
  );
}
