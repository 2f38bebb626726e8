import type { Command } from 'commander';
import { type ApiOptions, connect, withApiOptions } from '../api.ts';
import type { Context } from '../context.ts';
import { readCount, readNumber } from '../numbers.ts';
import { addExamples } from '../ui/examples.ts';

interface Options extends ApiOptions {
  readonly uses: string;
  readonly hours: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  flotilla token claim --uses 10 --hours 24
  flotilla-agent enroll --server http://127.0.0.1:8080 --token flc_… --data ./device`;

export function define(command: Command, context: Context): void {
  addExamples(command, EXAMPLE);
  withApiOptions(command.command('claim'), context)
    .description('make a claim token, with which devices enroll')
    .option('--uses <count>', 'how many devices may enroll with it', '1')
    .option('--hours <hours>', 'how long it may be used', '24')
    .action((options: Options) => claim(options, context));
}

async function claim(options: Options, context: Context): Promise<void> {
  const body = {
    uses: readCount('--uses', options.uses),
    validMs: Math.round(readNumber('--hours', options.hours) * 3_600_000),
  };
  const made = await connect(options).post<{ token: string; expiresMs: number }>(
    '/claim-tokens',
    body,
  );
  if (options.json) context.json(made);
  context.say(made.token);
  context.say(`for ${options.uses} device(s), until ${new Date(made.expiresMs).toISOString()}`);
}
