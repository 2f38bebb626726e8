import { FlotillaError } from '@flotilla/protocol';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { demo } from '../demo/demo.ts';
import { terminalScreen } from '../demo/screen.ts';
import { readCount } from '../numbers.ts';

interface Options {
  readonly once?: boolean;
  readonly port: string;
  readonly json?: boolean;
}

const EXAMPLE = `
Example:
  npm run demo
  npm run demo -- --once        # checks each step and ends with exit code 0 or 1`;

export function define(command: Command, context: Context): void {
  command
    .option('--once', 'check each step of the story, say what held, and end')
    .option('--port <port>', 'port of the dashboard; 0 is any free one', '0')
    .option('--json', 'print the checks as JSON at the end, the story on standard error')
    .addHelpText('after', EXAMPLE)
    .action((options: Options) => run(options, context));
}

async function run(options: Options, context: Context): Promise<void> {
  const out = options.json ? process.stderr : process.stdout;
  const screen = terminalScreen(out, out.isTTY);
  const began = performance.now();
  const once = options.once === true;
  const port = readCount('--port', options.port);
  const held = await demo({
    once,
    port,
    screen,
    environment: context.environment,
    signal: context.interrupted,
  });
  if (context.interrupted.aborted) return;
  if (options.json) context.json({ held, checks: screen.checks });
  const count = screen.checks.filter((check) => check.held).length;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  context.say(`\n${count} of ${screen.checks.length} checks held, in ${seconds} s`);
  if (!held) {
    const failed = screen.checks.find((check) => !check.held);
    throw new FlotillaError('demo.check-failed', { check: failed?.text ?? '' });
  }
}
