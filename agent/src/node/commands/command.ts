import type { ParseArgsOptionsConfig } from 'node:util';

/** What a command may use of its process. */
export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes a line to standard output. */
  print(line: string): void;
  /** Writes as it is to the terminal of standard error, where there is one. */
  readonly terminal?: ((text: string) => void) | undefined;
  /** Resolves when the process is asked to end (SIGTERM, SIGINT). */
  readonly ended: Promise<void>;
  /** With which code the process ends once the command is done; within that time even if it is not. */
  exitWith(code: number, withinMs?: number): void;
  /** Says something to the launcher, where one started this process. */
  tellLauncher(message: object): void;
}

export type OptionValue = string | boolean | (string | boolean)[] | undefined;

export interface CommandInput {
  /** Options as given; a flag is `true`. */
  readonly values: Readonly<Record<string, OptionValue>>;
  readonly positionals: readonly string[];
  readonly io: Io;
}

export interface Command {
  readonly usage: string;
  readonly summary: string;
  /** What each option means, in the order of the help. */
  readonly options: Readonly<Record<string, OptionRow>>;
  readonly examples: readonly string[];
  run(input: CommandInput): Promise<void>;
}

export interface OptionRow {
  readonly type: 'string' | 'boolean';
  readonly multiple?: boolean;
  /** How the value is called in the help. */
  readonly value?: string;
  readonly doc: string;
}

export const toParseArgs = (options: Command['options']): ParseArgsOptionsConfig =>
  Object.fromEntries(
    Object.entries(options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  );

/** The option's text, or undefined. */
export function text(input: CommandInput, name: string): string | undefined {
  const value = input.values[name];
  return typeof value === 'string' ? value : undefined;
}

export function helpOf(command: Command): string {
  const rows = Object.entries(command.options).map(([name, { value, doc }]) => {
    const left = value === undefined ? `--${name}` : `--${name} ${value}`;
    return `  ${left.padEnd(28)} ${doc}`;
  });
  return [
    `${command.summary}`,
    '',
    `  flotilla-agent ${command.usage}`,
    '',
    'Options',
    ...rows,
    '',
    'Examples',
    ...command.examples.map((example) => `  ${example}`),
  ].join('\n');
}
