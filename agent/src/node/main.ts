#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { asFlotillaError } from '@flotilla/protocol';
import { type Command, helpOf, type Io, toParseArgs } from './commands/command.ts';
import { usage } from './config.ts';
import { AGENT_VERSION } from './version.ts';

/** Loaded when it is used: what runs models takes long to load. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  enroll: async () => (await import('./commands/enroll.ts')).enrollCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  load: async () => (await import('./commands/load.ts')).loadCommand,
  unload: async () => (await import('./commands/unload.ts')).unloadCommand,
  trust: async () => (await import('./commands/trust.ts')).trustCommand,
  infer: async () => (await import('./commands/infer.ts')).inferCommand,
  label: async () => (await import('./commands/label.ts')).labelCommand,
  flow: async () => (await import('./commands/flow.ts')).flowCommand,
  bench: async () => (await import('./commands/bench.ts')).benchCommand,
  install: async () => (await import('./commands/install.ts')).installCommand,
  uninstall: async () => (await import('./commands/uninstall.ts')).uninstallCommand,
  launch: async () => (await import('./commands/launch.ts')).launchCommand,
  check: async () => (await import('./commands/check.ts')).checkCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
};

async function help(): Promise<string> {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()));
  return [
    'flotilla-agent runs the models of one device and keeps it in step with its fleet.',
    '',
    ...commands.map(({ usage: line, summary }) => `  ${line}\n      ${summary}`),
    '',
    'Examples',
    ...commands.map(({ examples: [first] }) => `  ${first}`),
    '',
    'flotilla-agent COMMAND --help tells more. Exit codes: 0 done, 1 failed, 2 wrong usage.',
  ].join('\n');
}

async function main(args: readonly string[], io: Io): Promise<void> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === 'help') {
    return io.print(await help());
  }
  if (name === '--version') return io.print(AGENT_VERSION);
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (load === undefined) throw usage(`there is no command ${name.slice(0, 40)}`);
  const command = await load();
  if (rest.includes('--help')) return io.print(helpOf(command));
  await command.run({ ...parse(command, rest), io });
}

function parse(command: Command, args: string[]) {
  try {
    return parseArgs({ args, options: toParseArgs(command.options), allowPositionals: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // what Node adds of files whose names begin with a dash does not help who mistyped an option
    throw usage(message.replace(/\. To specify a positional argument .*/s, ''));
  }
}

const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  // an agent does not outlive its launcher, which would start another
  process.once('disconnect', () => resolve());
});
let exitCode = 0;
const io: Io = {
  env: process.env,
  print: (line) => process.stdout.write(`${line}\n`),
  terminal: process.stderr.isTTY ? (text) => process.stderr.write(text) : undefined,
  ended,
  exitWith(code, withinMs) {
    exitCode = code;
    if (withinMs !== undefined) setTimeout(() => process.exit(code), withinMs);
  },
  tellLauncher: (message) => void process.send?.(message),
};

try {
  await main(process.argv.slice(2), io);
  // what a library left open must not hold a command that is done
  process.exit(exitCode);
} catch (error) {
  const known = asFlotillaError(error);
  process.stderr.write(`flotilla-agent: ${known.message}\n`);
  process.exit(known.exitCode);
}
