import { closestName, FlotillaError } from '@flotilla/protocol';
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { COMMANDS, isCommand } from './commands/index.ts';
import { SETTINGS } from './config.ts';
import type { Context } from './context.ts';

/**
 * Runs one command line and gives the exit code: 0 done, 1 failed, 2 wrong usage.
 *
 * @throws FlotillaError what the command failed with
 */
export async function run(args: readonly string[], context: Context): Promise<number> {
  const [name, ...rest] = args;
  if (name === '--version') {
    context.say(manifest.version);
    return 0;
  }
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    context.say(overview());
    return 0;
  }
  if (!isCommand(name)) throw unknownCommand(name);
  const command = new Command(`flotilla ${name}`)
    .description(COMMANDS[name].summary)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .showHelpAfterError(false);
  (await COMMANDS[name].load()).define(command, context);
  strict(command);
  return parse(command, rest);
}

function unknownCommand(name: string): FlotillaError {
  const close = closestName(name, Object.keys(COMMANDS));
  const hint = close === undefined ? '' : `: did you mean ${close}?`;
  return new FlotillaError('cli.usage', { reason: `there is no command ${name}${hint}` });
}

/** Sub-commands end and speak like the command they belong to. */
function strict(command: Command): void {
  for (const sub of command.commands) {
    sub.exitOverride().configureOutput({ writeErr: () => undefined });
    strict(sub);
  }
}

async function parse(command: Command, args: readonly string[]): Promise<number> {
  try {
    await command.parseAsync([...args], { from: 'user' });
    return 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    if (error.code === 'commander.help') {
      throw new FlotillaError('cli.usage', { reason: `${command.name()} needs a sub-command` });
    }
    throw new FlotillaError('cli.usage', {
      reason: error.message
        .replace(/^error: /, '')
        .replace(/\n\(Did you mean (?:one of )?(.+)\?\)$/s, ': did you mean $1?')
        .replace(/\.$/, ''),
    });
  }
}

function overview(): string {
  const names = Object.entries(COMMANDS);
  const lines = names.map(([name, entry]) => `  ${name.padEnd(10)} ${entry.summary}`);
  const settings = Object.values(SETTINGS).map((s) => `  ${s.env.padEnd(17)} ${s.doc}`);
  return [
    'flotilla: ships machine-learning models to small devices and keeps them healthy',
    '',
    'Usage: flotilla COMMAND [options]      flotilla COMMAND --help shows examples',
    '',
    ...lines,
    '',
    'Environment:',
    ...settings,
  ].join('\n');
}
