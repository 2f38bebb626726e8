#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { asFlotillaError } from '@flotilla/protocol';
import { type Command, helpOf, type Io, toParseArgs } from './commands/command.ts';
import { enrollCommand } from './commands/enroll.ts';
import { inferCommand } from './commands/infer.ts';
import { runCommand } from './commands/run.ts';
import { statusCommand } from './commands/status.ts';
import { usage } from './config.ts';
import { AGENT_VERSION } from './create-agent.ts';

const COMMANDS: Readonly<Record<string, Command>> = {
  enroll: enrollCommand,
  run: runCommand,
  status: statusCommand,
  infer: inferCommand,
};

function help(): string {
  return [
    'flotilla-agent runs the models of one device and keeps it in step with its fleet.',
    '',
    ...Object.values(COMMANDS).map(({ usage: line, summary }) => `  ${line}\n      ${summary}`),
    '',
    'Examples',
    ...Object.values(COMMANDS).map(({ examples: [first] }) => `  ${first}`),
    '',
    'flotilla-agent COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage.',
  ].join('\n');
}

async function main(args: readonly string[], io: Io): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === 'help') return io.print(help());
  if (name === '--version') return io.print(AGENT_VERSION);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw usage(`there is no command ${name.slice(0, 40)}`);
  if (rest.includes('--help')) return io.print(helpOf(command));
  await command.run({ ...parse(command, rest), io });
}

function parse(command: Command, args: string[]) {
  try {
    return parseArgs({ args, options: toParseArgs(command.options), allowPositionals: true });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
});
const io: Io = { env: process.env, print: (line) => process.stdout.write(`${line}\n`), ended };

try {
  await main(process.argv.slice(2), io);
  // what a library left open must not hold a command that is done
  process.exit(0);
} catch (error) {
  const known = asFlotillaError(error);
  process.stderr.write(`flotilla-agent: ${known.message}\n`);
  process.exit(known.exitCode);
}
