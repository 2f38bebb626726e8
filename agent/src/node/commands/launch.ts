import { launch } from '../launcher/launch.ts';
import { dataOf, logLine } from '../launcher/options.ts';
import type { Command, CommandInput } from './command.ts';
import { runCommand } from './run.ts';

export const launchCommand: Command = {
  usage: 'launch [OPTIONS OF run]',
  summary:
    'Run the agent so that it can be replaced by a newer one; the older comes back where that fails.',
  options: runCommand.options,
  examples: [
    'flotilla-agent launch --data /var/lib/flotilla',
    'flotilla-agent launch --data ./device --update-timeout 600000',
  ],
  async run(input) {
    const { io } = input;
    const args = argsOf(input);
    const data = dataOf(args, io.env);
    const stop = new AbortController();
    void io.ended.then(() => stop.abort());
    io.exitWith(await launch({ data, args, env: io.env, log: logLine, stop: stop.signal }));
  },
};

/** The options as they came in. */
const argsOf = ({ values }: CommandInput): string[] =>
  Object.entries(values).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => (typeof one === 'string' ? [`--${name}`, one] : [`--${name}`])),
  );
