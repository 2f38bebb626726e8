import type { Command } from 'commander';

/**
 * Ends the help of a command with examples, and the help of each of its sub-commands with those that
 * are of it.
 *
 * @param text ends with the examples, each on a line of its own after two blanks
 */
export function addExamples(command: Command, text: string): void {
  command.addHelpText('afterAll', ({ command: shown }) => {
    if (shown === command) return text;
    const call = `  ${command.name()} ${shown.name()}`;
    const own = text.split('\n').filter((line) => `${line} `.startsWith(`${call} `));
    return `\nExample:\n${own.join('\n')}`;
  });
}
